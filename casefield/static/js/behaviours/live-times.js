/*
 * Counts times under an hour: <time data-live="since|until" datetime="…">.
 * Older ones keep the clock time that the server wrote. The server's clock counts.
 */
(function () {
  "use strict";

  const HOUR_MS = 3600000;
  const told = document.documentElement.dataset.serverTime;
  const ahead = told ? Date.parse(told) - Date.now() : 0;
  const written = new WeakMap();

  function words(ms) {
    const unit = document.getElementById("toasts").dataset;
    const seconds = Math.floor(ms / 1000);
    const minutes = Math.floor(seconds / 60);
    const rest = (seconds % 60) + " " + unit.seconds;
    return minutes ? minutes + " " + unit.minutes + " " + rest : rest;
  }

  function show(time) {
    if (!written.has(time)) {
      written.set(time, time.textContent);
    }
    const now = Date.now() + ahead;
    const then = Date.parse(time.dateTime);
    const apart = time.dataset.live === "until" ? then - now : now - then;
    const counts = apart >= 0 && apart < HOUR_MS;
    const text = counts ? words(apart) : written.get(time);
    if (time.textContent !== text) {
      time.textContent = text;
    }
  }

  function showAll() {
    if (!document.hidden) {
      document.querySelectorAll("time[data-live]").forEach(show);
    }
  }

  window.casefield.behave(showAll);
  window.setInterval(showAll, 1000);
  document.addEventListener("visibilitychange", showAll);
})();
