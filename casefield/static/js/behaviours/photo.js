/*
 * A chosen picture is shrunk to 1600 px before it is sent and shown at once.
 * Drawing it anew also leaves its place and camera behind. A picture that cannot
 * be opened is put away with a clear word; the rest of the form stays.
 */
(function () {
  "use strict";

  const LONGEST = 1600;
  const QUALITY = 0.8;

  function drawn(bitmap) {
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return new Promise(function (done, fail) {
      canvas.toBlob(
        function (blob) {
          return blob ? done(blob) : fail(new Error("no picture"));
        },
        "image/jpeg",
        QUALITY
      );
    });
  }

  async function shrunk(file) {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const blob = await drawn(bitmap);
    const name = file.name.replace(/\.[^.]*$/, "") + ".jpg";
    return new File([blob], name, { type: "image/jpeg", lastModified: file.lastModified });
  }

  function show(box, files) {
    const shown = box.querySelector("[data-photo-shown]");
    shown.querySelectorAll("img").forEach(function (image) {
      URL.revokeObjectURL(image.src);
    });
    shown.replaceChildren.apply(
      shown,
      files.map(function (file) {
        const image = document.createElement("img");
        image.className = "photo__picture";
        image.alt = "";
        image.src = URL.createObjectURL(file);
        return image;
      })
    );
  }

  function say(box, text) {
    const line = box.querySelector("[data-photo-error]");
    line.textContent = text;
    line.hidden = !text;
  }

  async function take(box, input) {
    say(box, "");
    box.dataset.state = "busy";
    document.getElementById("announce").textContent = box.dataset.photoBusy;
    let files = [];
    try {
      files = await Promise.all(Array.from(input.files, shrunk));
      const carrier = new DataTransfer();
      files.forEach(function (file) {
        carrier.items.add(file);
      });
      input.files = carrier.files;
    } catch (error) {
      files = [];
      input.value = "";
      say(box, box.dataset.photoUnreadable);
    }
    show(box, files);
    box.dataset.state = files.length ? (input.multiple ? "many" : "one") : "";
    const ready = { bubbles: true, detail: { ok: files.length > 0 } };
    box.dispatchEvent(new CustomEvent("casefield:photo", ready));
  }

  document.addEventListener("change", function (event) {
    const input = event.target;
    const box = input.closest && input.closest("[data-photo]");
    if (box && input.type === "file" && window.createImageBitmap) {
      take(box, input);
    }
  });

  // sending waits for the pictures: it goes on by itself when the last is ready
  document.addEventListener(
    "submit",
    function (event) {
      const form = event.target;
      if (!form.querySelector('[data-photo][data-state="busy"]')) {
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      const submitter = event.submitter;
      form.addEventListener(
        "casefield:photo",
        function (ready) {
          if (ready.detail.ok) {
            (submitter || form.querySelector('[type="submit"]')).click();
          }
        },
        { once: true }
      );
    },
    true
  );
})();
