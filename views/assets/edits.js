// The forms in which a message is edited: what was typed in one comes back with it, and the form itself comes
// back after a reload.
globalThis.edits = (() => {
  if (!typed) return null; // the reader may not write here
  const { conversation, draftOf, noteText } = typed;
  /** Id of the message that an edit becomes → the name of the edit's draft. */
  const sent = new Map();

  /** Puts drafts into the forms that have just come. */
  function fillNewForms() {
    for (const area of document.querySelectorAll(".edit textarea:not([data-drafted])")) {
      area.dataset.drafted = "";
      area.value = drafts.of(draftOf(area)) || area.value;
      noteText(area);
    }
  }

  /** Forgets the drafts of the edits that stand in the thread. */
  function forgetSent() {
    for (const [id, key] of sent)
      if (document.getElementById(`m-${id}`) && sent.delete(id)) drafts.keep(key, "");
  }

  /** Opens the forms whose drafts were kept, once, after the first frame. */
  function reopen() {
    document.removeEventListener(afterFrame, reopen);
    for (const key of drafts.below(`${conversation}/`))
      document.querySelector(`[hx-get$="/edit/${key.split("/")[1]}"]`)?.click();
  }

  /** Closes a form and forgets what was typed in it. */
  function close(form) {
    drafts.keep(draftOf(form.elements.text), "");
    form.remove();
  }

  const afterFrame = "htmx:ws:after:message:incoming";
  for (const step of [forgetSent, reopen]) document.addEventListener(afterFrame, step);
  document.addEventListener("htmx:after:swap", fillNewForms);
  document.addEventListener(
    "submit",
    ({ target }) =>
      target.matches(".edit form") && sent.set(target.elements.message.value, draftOf(target.elements.text)),
    { capture: true },
  );
  document.addEventListener("click", ({ target }) => target.matches?.(".edit .cancel") && close(target.form));

  return { close };
})();
