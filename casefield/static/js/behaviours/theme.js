/*
 * Shows a chosen theme at once: <input data-theme-choice value="auto|light|dark">.
 * The form that holds it still has to be submitted for the server to remember.
 */
(function () {
  "use strict";

  document.addEventListener("change", function (event) {
    const choice = event.target;
    if (!choice.matches || !choice.matches("[data-theme-choice]")) {
      return;
    }
    const root = document.documentElement;
    if (choice.value === "light" || choice.value === "dark") {
      root.dataset.theme = choice.value;
    } else {
      delete root.dataset.theme;
    }
  });
})();
