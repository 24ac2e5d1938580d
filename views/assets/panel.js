// The panel that the head's buttons fetch. It never shows what an earlier button has fetched, which the answer
// would replace under the reader's hands; what was set for the first question stays until that is asked.
(() => {
  const panel = document.getElementById("settings");
  if (!panel) return;

  /** A new conversation is not stored yet: its settings stand in the fields alone, which go with the first question. */
  const holdsSettings = () =>
    panel.querySelector('[form="say"]') !== null && document.querySelector("#thread > article") === null;

  document.addEventListener("htmx:before:request", (event) => {
    const { target, sourceElement } = event.detail.ctx;
    if (target !== panel) return;
    if (sourceElement.id === "voice" && holdsSettings()) event.preventDefault();
    else panel.replaceChildren();
  });
})();
