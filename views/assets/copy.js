// The Copy buttons. They copy the source of a message, the text of a block of code, or the address or key
// beside the button. The Clipboard API needs a secure origin; over plain http an invisible field is copied
// from.
(() => {
  async function sourceOf(button) {
    const from = button.dataset.copy;
    if (from === "code") return button.closest(".code").querySelector("code").textContent;
    if (from === "beside")
      return button.previousElementSibling.value ?? button.previousElementSibling.textContent;
    const response = await fetch(from);
    if (!response.ok) throw new Error(`${from}: ${response.status}`);
    return response.text();
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const focused = document.activeElement;
      const field = document.createElement("textarea");
      field.className = "copied-from";
      field.readOnly = true; // a phone shows no keyboard
      field.value = text;
      document.body.append(field);
      field.select();
      const isCopied = document.execCommand("copy");
      field.remove();
      focused?.focus({ preventScroll: true });
      if (!isCopied) throw new Error("the browser does not let us copy");
    }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const said = await sourceOf(button)
      .then(copy)
      .then(
        () => button.dataset.done,
        () => document.body.dataset.notCopied,
      );
    if (button.dataset.label === undefined) button.dataset.label = button.textContent;
    button.textContent = said;
    setTimeout(() => {
      button.textContent = button.dataset.label;
    }, 1500);
  });
})();
