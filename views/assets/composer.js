// The field in which a message is written: Enter sends it, each text gets its own id, and the text leaves the
// field when it is in the thread.
(() => {
  const find = (id) => document.getElementById(id);
  const field = find("text");
  if (!field) return; // the reader may not write here
  const form = field.form;
  field.readOnly = false; // the page without scripts closes it during an answer

  /** Message id → the text that was sent under it, and the ids of its files. */
  const sent = new Map();

  /** As the server makes them: 128 random bits. (crypto.randomUUID needs a secure origin.) */
  const newId = () =>
    btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replace(
      /[+/=]/g,
      (sign) => ({ "+": "-", "/": "_", "=": "" })[sign],
    );

  /** No markup makes Enter send. While a word is being composed, the key belongs to the input method. */
  function sendOnEnter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (form.querySelector(".send")) form.requestSubmit();
  }

  /**
   * Stops an empty message, one that is too long, and one whose files are on their way. The server refuses a
   * long one, too, but a frame far beyond its bound closes the socket.
   */
  function refuseUnsendable(event) {
    if (event.submitter?.name === "starter") return;
    const isEmpty = field.value.trim() === "" && attached.ids().length === 0;
    const isLong = new Blob([field.value]).size > Number(field.dataset.maxBytes);
    if (!isEmpty && !isLong && !attached.isBusy()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const sentence = isLong ? "too-long" : attached.isBusy() ? "uploading" : null;
    if (sentence) find("notice").replaceChildren(find(sentence).content.cloneNode(true));
  }

  /** True if the field and the list hold this message. */
  const isInField = ({ text, files }) => text === field.value && `${files}` === `${attached.ids()}`;

  /**
   * Gives another text another id, also while the message before is on its way or was refused. Then goes to
   * the end: the reader who asks wants to see the answer.
   */
  function noteSent(event) {
    const input = find("message-id");
    // an offered question takes nothing out of the field
    const text = event.submitter?.name === "starter" ? "" : field.value;
    const files = attached.ids();
    const before = sent.get(input.value);
    if (before && (before.text !== text || `${before.files}` !== `${files}`)) input.value = newId();
    sent.set(input.value, { text, files });
    reading.toEnd();
    field.focus();
  }

  /**
   * Takes out of the field what was sent and stands in the thread; what was typed since stays. Called after
   * each frame, because the answer to a sending can get lost.
   */
  function emptyField() {
    for (const [id, { text, files }] of sent) {
      if (!find(`m-${id}`)) continue;
      sent.delete(id);
      reading.begin(find(`m-${id}`));
      attached.forget(files);
      const isOnItsWay = [...sent.values()].some(isInField); // as another message
      if (!isOnItsWay && field.value.startsWith(text)) field.value = field.value.slice(text.length);
      if (find("message-id").value === id) find("message-id").value = newId();
      typed.keep(field);
    }
  }

  field.addEventListener("keydown", sendOnEnter);
  for (const step of [refuseUnsendable, noteSent]) form.addEventListener("submit", step, { capture: true });
  document.addEventListener("htmx:ws:after:message:incoming", emptyField);
  // The button that was pressed is replaced by another, and the focus would be lost. A phone would open its
  // keyboard.
  find("halt").addEventListener("submit", () => matchMedia("(pointer: fine)").matches && field.focus());
})();
