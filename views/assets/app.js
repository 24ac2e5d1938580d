// What HTML, CSS and htmx cannot say. Each function says why it is here.
(() => {
  const find = (id) => document.getElementById(id);
  const field = find("text");
  if (!field) return;
  const form = field.form;
  const scroller = find("scroller");

  /** Milliseconds without a frame (a heartbeat comes every 15 s) after which a socket that looks open is taken for dead. */
  const silentMs = 45_000;
  const sent = new Map(); // message id → the text that went out under it
  let connection = null;
  let heardAt = Date.now();

  // Enter in a textarea breaks the line: no markup changes that. While a word is being composed it belongs to the input method.
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (form.querySelector(".send")) form.requestSubmit();
  });

  // The server refuses a message that is too long, but a frame far beyond its bound closes the socket: looked at before it goes.
  form.addEventListener(
    "submit",
    (event) => {
      if (new Blob([field.value]).size <= Number(field.dataset.maxBytes)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      find("notice").replaceChildren(find("too-long").content.cloneNode(true));
    },
    { capture: true },
  );

  // The reader who asks wants to see the answer, wherever they have scrolled to.
  form.addEventListener("submit", () => {
    const id = find("message-id").value;
    if (!sent.has(id)) sent.set(id, field.value);
    toEnd();
    field.focus();
  });

  // The button that was pressed is replaced by another, and the focus would be nowhere. A finger keeps its keyboard shut.
  find("halt").addEventListener("submit", () => matchMedia("(pointer: fine)").matches && field.focus());

  // The field is emptied only when the server has the message, and only of what was sent: what was typed since stays.
  function emptyField() {
    const id = find("message-id").dataset.accepted;
    const text = sent.get(id);
    if (text === undefined) return;
    sent.delete(id);
    if (field.value.startsWith(text)) field.value = field.value.slice(text.length);
  }

  // A conversation gets its address with its first message; htmx pushes addresses only with HTTP answers.
  function nameConversation() {
    if (location.pathname === "/" && document.querySelector("article")) history.replaceState(null, "", `/c/${document.body.dataset.conversation}`);
  }

  // htmx sets no class for a lost connection, only events.
  const status = (state) => find("status").setAttribute("data-connection", state);
  document.addEventListener("htmx:ws:after:connection", (event) => {
    connection = event.detail.connection;
    heardAt = Date.now();
  });
  document.addEventListener("htmx:ws:close", () => status("off"));
  document.addEventListener("htmx:ws:after:message:incoming", () => {
    heardAt = Date.now();
    emptyField();
    nameConversation();
    showToEnd();
  });

  // A laptop that slept, or a phone that changed networks, has a socket that looks open and is dead: only silence tells.
  const socketOpen = () => connection?.socket?.readyState === WebSocket.OPEN;
  function reviveSocket() {
    if (!socketOpen() || Date.now() - heardAt < silentMs) return;
    heardAt = Date.now();
    status("off");
    connection.socket.close();
  }
  setInterval(reviveSocket, 5_000);
  for (const event of ["online", "focus"]) addEventListener(event, reviveSocket);
  // A page that comes back from the browser's cache has lost its socket for good.
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // The clipboard is script's alone. Without a secure origin it is closed, and the selection has to do.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const text = find(button.dataset.copy).querySelector(":scope > .text");
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
    }
    const label = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  });

  // Where the reader is decides whether the button is there; CSS cannot ask that in every engine yet.
  const awayFromEnd = () => scroller.scrollTop < -80;
  const button = find("to-end");
  const showToEnd = () => {
    button.hidden = !awayFromEnd();
  };
  function toEnd() {
    scroller.scrollTop = 0;
    showToEnd();
  }
  scroller.addEventListener("scroll", showToEnd, { passive: true });
  button.addEventListener("click", toEnd);
})();
