// Runs before anything is drawn, so that a chosen theme does not flash.
(() => {
  const KEY = "nitropilot-theme";
  const root = document.documentElement;
  const chosen = localStorage.getItem(KEY);
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  document.addEventListener("DOMContentLoaded", () => {
    const choice = document.getElementById("theme");
    if (!choice) return;
    choice.value = root.dataset.theme ?? "system";
    choice.addEventListener("change", () => {
      if (choice.value === "system") {
        delete root.dataset.theme;
        localStorage.removeItem(KEY);
      } else {
        root.dataset.theme = choice.value;
        localStorage.setItem(KEY, choice.value);
      }
    });
  });
})();
