/*
 * Small things of the frame: a filter sends itself ([data-autosubmit]), a page
 * prints itself ([data-print]), lost signal is said in the delivery chip, and a
 * page from the browser's own cache is fetched anew on a shared phone.
 */
(function () {
  "use strict";

  function showSignal() {
    const chip = document.querySelector("[data-delivery]");
    if (!chip) {
      return;
    }
    const text = chip.querySelector("[data-delivery-text]");
    chip.dataset.text = chip.dataset.text || text.textContent;
    text.textContent = navigator.onLine ? chip.dataset.text : chip.dataset.offlineText;
    chip.classList.toggle("chip--no-signal", !navigator.onLine);
  }

  document.addEventListener("change", function (event) {
    const form = event.target.form;
    if (form && form.dataset.autosubmit !== undefined) {
      form.requestSubmit();
    }
  });
  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-print]")) {
      window.print();
    }
  });
  window.addEventListener("online", showSignal);
  window.addEventListener("offline", showSignal);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted && document.documentElement.dataset.actor) {
      location.reload();
    }
  });
  showSignal();
})();
