// Looks again when it is worth it; without it the page is as good, only older.
(() => {
  let tag = null;
  let wait = Number(document.body.dataset.pollAfter);
  const busy = () => document.hidden || document.querySelector("form:focus-within, details[open]");
  async function look() {
    try {
      const answer = await fetch(location.pathname + "/state", { cache: "no-store" });
      if (answer.ok) {
        const now = answer.headers.get("ETag");
        if (tag && now !== tag && !busy()) return location.reload();
        tag = now;
        wait = (await answer.json()).poll_after_seconds;
      }
    } catch { /* offline: later */ }
    setTimeout(look, wait * 1000);
  }
  look();
})();
