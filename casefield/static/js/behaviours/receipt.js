/*
 * Gives each submitted content one receipt key, made in the browser.
 * Unchanged content keeps its key, so a second tap or a retry is recognised;
 * edited content gets a new one. A form on its way cannot be sent again.
 */
(function () {
  "use strict";

  const RELEASE_AFTER_MS = 20000;
  const kept = new WeakMap();

  function newKey() {
    if (window.crypto.randomUUID) {
      return window.crypto.randomUUID();
    }
    // randomUUID exists on secure pages only; getRandomValues everywhere
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, function (byte) {
      return byte.toString(16).padStart(2, "0");
    }).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  // an input without a file gives an empty one whose time is the present moment
  function fileMark(file) {
    return file.name ? [file.name, file.size, file.lastModified] : "";
  }

  function contentOf(form, submitter) {
    const parts = [form.action];
    new FormData(form).forEach(function (value, name) {
      if (name === "receipt_key" || name === "csrf_token") {
        return;
      }
      parts.push([name, value instanceof File ? fileMark(value) : value]);
    });
    if (submitter && submitter.name) {
      parts.push([submitter.name, submitter.value]);
    }
    return JSON.stringify(parts);
  }

  function buttonsOf(form) {
    return Array.from(form.elements).filter(function (control) {
      return control.type === "submit";
    });
  }

  function release(form) {
    delete form.dataset.sending;
    buttonsOf(form).forEach(function (button) {
      button.removeAttribute("aria-busy");
    });
  }

  document.addEventListener(
    "submit",
    function (event) {
      const form = event.target;
      const field = form.elements.receipt_key;
      if (!field) {
        return;
      }
      if (form.dataset.sending !== undefined) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      const content = contentOf(form, event.submitter);
      const last = kept.get(form);
      const key = last && last.content === content ? last.key : newKey();
      kept.set(form, { content: content, key: key });
      field.value = key;
      form.dataset.sending = "";
      const pressed = event.submitter || buttonsOf(form)[0];
      if (pressed) {
        pressed.setAttribute("aria-busy", "true");
      }
      window.setTimeout(release, RELEASE_AFTER_MS, form);
    },
    true
  );

  document.addEventListener("casefield:answered", function (event) {
    const form = event.detail.element.closest("form");
    if (form && form.elements.receipt_key) {
      release(form);
    }
  });
  // a page that comes back from the browser's own cache is not on its way any more
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sending]").forEach(release);
  });
})();
