/*
 * Binds behaviours to the page and to every part that htmx swaps in later.
 * The only file that knows htmx's events; the others hear casefield's own:
 *   casefield:failed   {status, element}   no answer (status 0) or a refusal
 *   casefield:answered {element, ok}       a request of this element is over
 */
(function () {
  "use strict";

  const inits = [];

  /** Run `init(root)` now and again for each part that is swapped in. */
  function behave(init) {
    inits.push(init);
    init(document);
  }

  function tell(name, detail) {
    document.dispatchEvent(new CustomEvent("casefield:" + name, { detail: detail }));
  }

  window.casefield = { behave: behave };

  document.addEventListener("htmx:afterSettle", function (event) {
    inits.forEach(function (init) {
      init(event.target);
    });
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    const ok = Boolean(event.detail.successful);
    tell("answered", { element: event.detail.elt, ok: ok });
  });
  document.addEventListener("htmx:responseError", function (event) {
    tell("failed", { status: event.detail.xhr.status, element: event.detail.elt });
  });
  ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      tell("failed", { status: 0, element: event.detail.elt });
    });
  });

  document.addEventListener("DOMContentLoaded", function () {
    document.documentElement.dataset.ready = "";
  });
})();
