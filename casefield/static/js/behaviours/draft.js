/*
 * Keeps what was typed in form[data-draft="name"], so that a session that ended
 * loses nothing: it is back after the same person signs in again, in this tab.
 *   typing → sent (submitted) → gone, when a page for the person or an answer follows
 *                             → waiting, when a page for nobody (sign in) came instead
 *                               or the person went back from a broken connection
 * Drafts of somebody else and all drafts at sign-out are removed. Guests have none.
 */
(function () {
  "use strict";

  const PREFIX = "draft:";
  const SKIPPED = ["hidden", "password", "file", "submit", "button"];
  const actor = document.documentElement.dataset.actor || "";

  function nameOf(form) {
    return PREFIX + [actor, location.pathname, form.dataset.draft].join(":");
  }

  function all() {
    return Object.keys(sessionStorage).filter(function (name) {
      return name.startsWith(PREFIX);
    });
  }

  function read(name) {
    return JSON.parse(sessionStorage.getItem(name) || "null");
  }

  function write(name, draft) {
    try {
      sessionStorage.setItem(name, JSON.stringify(draft));
    } catch (error) {
      // a full or forbidden store costs the draft, never the form
    }
  }

  function controlsOf(form) {
    return Array.from(form.elements).filter(function (control) {
      return control.name && !SKIPPED.includes(control.type);
    });
  }

  function valuesOf(form) {
    return controlsOf(form).map(function (control) {
      const ticked = control.type === "radio" || control.type === "checkbox";
      return [control.name, control.value, ticked ? control.checked : null];
    });
  }

  function restore(form, values) {
    const controls = controlsOf(form);
    values.forEach(function (kept) {
      const control = controls.find(function (candidate) {
        const sameTick = kept[2] === null || candidate.value === kept[1];
        return candidate.name === kept[0] && sameTick;
      });
      if (!control) {
        return;
      }
      if (kept[2] === null) {
        control.value = kept[1];
      } else {
        control.checked = kept[2];
      }
      control.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  function cameBack() {
    const visit = performance.getEntriesByType("navigation")[0];
    return Boolean(visit) && visit.type === "back_forward";
  }

  function settle() {
    all().forEach(function (name) {
      const draft = read(name);
      const mine = name.startsWith(PREFIX + actor + ":");
      if (draft.state === "sent" && (!actor || cameBack())) {
        write(name, { state: "waiting", values: draft.values });
      } else if (actor && (draft.state === "sent" || !mine)) {
        sessionStorage.removeItem(name);
      }
    });
  }

  function keep(form, state) {
    if (actor && form && form.dataset.draft !== undefined) {
      write(nameOf(form), { state: state, values: valuesOf(form) });
    }
  }

  settle();
  window.casefield.behave(function (root) {
    root.querySelectorAll("form[data-draft]").forEach(function (form) {
      const draft = actor && read(nameOf(form));
      // a form that came back with errors already shows what was typed
      if (draft && !form.querySelector("[aria-invalid], .notice--error")) {
        restore(form, draft.values);
      }
    });
  });

  ["input", "change"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      if (event.isTrusted) {
        keep(event.target.form, "typing");
      }
    });
  });
  document.addEventListener("submit", function (event) {
    if (event.target.matches("[data-sign-out]")) {
      all().forEach(function (name) {
        sessionStorage.removeItem(name);
      });
    } else {
      keep(event.target, "sent");
    }
  });
  document.addEventListener("casefield:answered", function (event) {
    const form = event.detail.element.closest("form[data-draft]");
    if (form && event.detail.ok) {
      sessionStorage.removeItem(nameOf(form));
    } else if (form) {
      keep(form, "typing");
    }
  });
})();
