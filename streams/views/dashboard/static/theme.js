// Before the first paint, so that nobody sees the other theme flash.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("tidecast.theme");
  } catch {
    // A browser that keeps nothing has the system's theme.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
