/*
 * Opens and closes <dialog>: data-dialog-open="id", data-dialog-close, a tap outside.
 * Where the browser has no dialogs, a control with an address simply goes there.
 */
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialogOpen);
      if (dialog && dialog.showModal) {
        event.preventDefault();
        dialog.showModal();
      }
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    const outside = event.target.matches("dialog") ? event.target : null;
    const dialog = closer ? closer.closest("dialog") : outside;
    if (dialog) {
      dialog.close();
    }
  });
})();
