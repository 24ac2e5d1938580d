// Shortcuts, active while the reader is not typing. Each presses a button or a link that the page has.
(() => {
  const find = (selector) => document.querySelector(selector);
  const field = find("#text");
  if (!field) return; // the reader may not write here

  /** Opens the conversation that stands so many places below the open one in the list. */
  function step(by) {
    const all = [...document.querySelectorAll(".conversations a[href*='/c/']")];
    all[all.findIndex((entry) => entry.ariaCurrent) + by]?.click();
  }

  const actions = {
    n: () => find(".new").click(),
    "/": () => find("[type=search]").focus(),
    m: () => field.focus(),
    ".": () => find(".stop")?.click(),
    j: () => step(1),
    k: () => step(-1),
    e: () => [...document.querySelectorAll("[data-role=user] [hx-get*='/edit/']")].at(-1)?.click(),
    "?": () => find("#keys").togglePopover(),
  };

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const isWriting = target.closest?.("input, textarea, select");
    if (key === "Escape" && target === field) field.blur();
    if (key === "Escape" && target.matches?.(".edit textarea")) edits.close(target.form);
    if (isWriting || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!Object.hasOwn(actions, key)) return;
    event.preventDefault();
    actions[key]();
  });
})();
