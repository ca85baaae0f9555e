/*
 * A request that got no answer or a refusal says so in plain words, and stays on
 * the page until it is put away: nobody should think that it worked.
 * Also moves the eye to a form's list of errors after it came back.
 */
(function () {
  "use strict";

  const WORDS = {
    0: "noAnswer",
    401: "signedOut",
    403: "refused",
    404: "gone",
    409: "conflict",
    413: "tooLarge",
    429: "tooFast",
  };

  function put(text) {
    const place = document.getElementById("toasts");
    const notice = document.createElement("div");
    const words = document.createElement("p");
    const close = document.createElement("button");
    notice.className = "notice notice--error";
    words.className = "notice__body";
    words.textContent = text;
    close.className = "button button--small button--quiet";
    close.type = "button";
    close.textContent = place.dataset.close;
    close.addEventListener("click", function () {
      place.hidden = true;
    });
    notice.append(words, close);
    place.replaceChildren(notice);
    place.hidden = false;
  }

  document.addEventListener("casefield:failed", function (event) {
    const words = document.getElementById("toasts").dataset;
    put(words[WORDS[event.detail.status] || "broken"]);
  });
  document.addEventListener("casefield:answered", function (event) {
    if (event.detail.ok) {
      document.getElementById("toasts").hidden = true;
    }
  });

  window.casefield.behave(function (root) {
    const list = root.querySelector("[data-focus]");
    if (list) {
      list.focus();
    }
  });
})();
