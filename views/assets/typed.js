// What is typed on a page with a conversation is kept as a draft (drafts.js): in the composer, and in the
// edits of messages, which are fetched when they are wanted.
globalThis.typed = (() => {
  const field = document.getElementById("text");
  if (!field) return null; // the reader may not write here
  const { conversation } = document.body.dataset;
  /** The path below which parlor is served. */
  const base = document.body.getAttribute("hx-ws:connect").replace(/\/live\?.*/, "");
  const isNew = () => [`${base}/`, base, `${base}/temporary`].includes(location.pathname);

  /** The name of a field's draft. */
  function draftOf(area) {
    if (area !== field) return `${conversation}/${area.form.elements.edits.value}`;
    return isNew() ? (conversation.startsWith("temporary-") ? "temporary-new" : "new") : conversation;
  }

  /** The name under which the files of the next message are kept. */
  const filesDraft = () => `files/${draftOf(field)}`;

  /** What the server wants to know of the conversation that a file is for. */
  const fileQuery = () => [
    ["c", conversation],
    ["persona", field.form.elements.persona?.value ?? ""],
  ];

  /** Field → its text when it was last kept, or when it came. */
  const keptText = new WeakMap();
  const noteText = (area) => keptText.set(area, area.value);
  /**
   * Keeps a field's text. A text as it was rendered is no draft. A text that nobody changed here may have
   * been sent from another tab.
   */
  function keep(area) {
    if (area.value === keptText.get(area)) return;
    noteText(area);
    drafts.keep(draftOf(area), area !== field && area.value === area.defaultValue ? "" : area.value);
  }

  const areas = "#text, .edit textarea";
  const keepAll = () => document.querySelectorAll(areas).forEach(keep);
  let timer = 0;
  document.addEventListener("input", ({ target }) => {
    if (!target.matches(areas)) return;
    clearTimeout(timer);
    timer = setTimeout(keepAll, 300); // not at each key
  });
  addEventListener("pagehide", keepAll);
  document.addEventListener("visibilitychange", () => document.hidden && keepAll());

  if (field.value === "") field.value = drafts.of(draftOf(field));
  noteText(field);

  /** Gives a new conversation its address at its first message: htmx changes addresses only by HTTP. */
  function nameConversation() {
    if (!isNew() || !document.querySelector("article")) return;
    drafts.keep(draftOf(field), "");
    drafts.keep(filesDraft(), "");
    history.replaceState(null, "", `${base}/c/${conversation}`);
    keptText.delete(field); // what was typed since is this conversation's
    keep(field);
    keptFiles.keep();
  }
  document.addEventListener("htmx:ws:after:message:incoming", nameConversation);

  return { base, conversation, draftOf, filesDraft, fileQuery, keep, noteText };
})();
