/*
 * A figure that changed since the last look fades in: <b data-fresh="name">.
 * Nothing else on the page moves when a part is swapped.
 */
(function () {
  "use strict";

  const last = new Map();

  window.casefield.behave(function (root) {
    root.querySelectorAll("[data-fresh]").forEach(function (figure) {
      const name = figure.dataset.fresh;
      const changed = last.has(name) && last.get(name) !== figure.textContent;
      figure.classList.toggle("fresh", changed);
      last.set(name, figure.textContent);
    });
  });
})();
