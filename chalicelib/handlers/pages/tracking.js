// Looks again when it is worth it; without it the page is as good, only older.
(() => {
  const { state, pollAfter } = document.body.dataset;
  let next;
  // What a person is about to choose or write is not taken away; what we opened for them is no sign of that.
  const busy = () =>
    document.querySelector("form:focus-within, form :checked, details[open]:not([data-offered])");
  async function look() {
    if (document.hidden) return; // until somebody sees it again
    try {
      const headers = { "If-None-Match": state };
      const answer = await fetch(location.pathname + "/state", { cache: "no-store", headers });
      if (answer.ok && !busy()) return location.reload();
    } catch { /* offline: later */ }
    later();
  }
  function later() {
    clearTimeout(next);
    next = setTimeout(look, pollAfter * 1000);
  }
  document.addEventListener("visibilitychange", look);
  later();
})();
