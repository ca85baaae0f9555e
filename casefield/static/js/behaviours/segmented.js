/*
 * One tap for a point where all is well: [data-all-normal] answers every line of
 * its form that has no answer yet. Shown only while such a line is left.
 */
(function () {
  "use strict";

  function open(form) {
    return Array.from(form.querySelectorAll(".answer")).filter(function (line) {
      return !line.querySelector(".answer__radio:checked");
    });
  }

  function refresh(form) {
    const button = form.querySelector("[data-all-normal]");
    if (button) {
      button.hidden = open(form).length === 0;
    }
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-all-normal]");
    if (!button) {
      return;
    }
    open(button.form).forEach(function (line) {
      const normal = line.querySelector(".answer__radio--normal");
      normal.checked = true;
      normal.dispatchEvent(new Event("change", { bubbles: true }));
    });
    const send = document.querySelector('[type="submit"][form="' + button.form.id + '"]');
    (send || button.form.querySelector('[type="submit"]') || button.form).focus();
  });

  document.addEventListener("change", function (event) {
    const form = event.target.form;
    if (form && event.target.matches(".answer__radio")) {
      refresh(form);
    }
  });

  window.casefield.behave(function (root) {
    root.querySelectorAll("[data-all-normal]").forEach(function (button) {
      refresh(button.form);
    });
  });
})();
