// What HTML, CSS and htmx cannot say. Each function says why it is here.
(() => {
  const find = (id) => document.getElementById(id);
  if (!document.body.dataset.silentMs) return; // a page without a socket

  // What htmx has no word for: an open answer grows at the end of its last element, or of that one's, `d`
  // deep (views/frame.ts).
  htmx.registerExtension("grow", {
    htmx_process_g(part) {
      let end = find("t");
      for (let depth = Number(part.getAttribute("d")); end && depth > 0; depth--) end = end.lastElementChild;
      end?.append(part.content);
    },
  });

  /**
   * Milliseconds without a frame (three heartbeats) after which a socket that looks open is taken for dead.
   */
  const silentMs = Number(document.body.dataset.silentMs);
  let connection = null;
  let heardAt = Date.now();
  let afterFrame = () => {};

  // htmx sets no class for a lost connection, only events.
  const status = (state) => find("status").setAttribute("data-connection", state);
  document.addEventListener("htmx:ws:after:connection", (event) => {
    connection = event.detail.connection;
    heardAt = Date.now();
  });
  document.addEventListener("htmx:ws:close", () => status("off"));

  document.addEventListener("htmx:ws:after:message:incoming", () => {
    heardAt = Date.now();
    afterFrame();
  });

  // A laptop that slept, or a phone that changed networks, has a socket that looks open and is dead: only
  // silence tells.
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

  const field = find("text");
  if (!field) return; // somebody who only reads
  const form = field.form;
  field.readOnly = false; // as it is drawn for those who come without scripts
  const scroller = find("scroller");

  const sent = new Map(); // message id → the text that went out under it

  // Enter in a textarea breaks the line: no markup changes that. While a word is being composed it belongs to
  // the input method.
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (form.querySelector(".send")) form.requestSubmit();
  });

  // Nothing is sent of nothing. The server refuses a message that is too long, but a frame far beyond its
  // bound closes the socket: looked at before it goes.
  form.addEventListener(
    "submit",
    (event) => {
      if (event.submitter?.name === "starter") return;
      const isEmpty = field.value.trim() === "";
      if (!isEmpty && new Blob([field.value]).size <= Number(field.dataset.maxBytes)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!isEmpty) find("notice").replaceChildren(find("too-long").content.cloneNode(true));
    },
    { capture: true },
  );

  // Another text is another message, also when the one before is still on its way or was refused: it gets an
  // id of its own. And the reader who asks wants to see the answer, wherever they have scrolled to.
  form.addEventListener(
    "submit",
    (event) => {
      const input = find("message-id");
      // an offered question takes nothing out of the field
      const text = event.submitter?.name === "starter" ? "" : field.value;
      if (sent.has(input.value) && sent.get(input.value) !== text) input.value = newId();
      sent.set(input.value, text);
      toEnd();
      field.focus();
    },
    { capture: true },
  );

  // The button that was pressed is replaced by another, and the focus would be nowhere. A finger keeps its
  // keyboard shut.
  find("halt").addEventListener("submit", () => matchMedia("(pointer: fine)").matches && field.focus());

  // The field is emptied only when the message stands in the thread, and only of what was sent: what was
  // typed since stays. Looked at after every frame, so that an answer to the sending can get lost.
  function emptyField() {
    for (const [id, text] of sent) {
      if (!find(`m-${id}`)) continue;
      sent.delete(id);
      const isOnItsWay = [...sent.values()].includes(field.value); // as a message of its own
      if (!isOnItsWay && field.value.startsWith(text)) field.value = field.value.slice(text.length);
      if (find("message-id").value === id) find("message-id").value = newId();
      keepDraft(field);
    }
    for (const [id, key] of editsSent) if (find(`m-${id}`) && editsSent.delete(id)) drafts.keep(key, "");
  }

  /** As the server makes them: 128 random bits. (crypto.randomUUID needs a secure origin.) */
  const newId = () =>
    btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replace(
      /[+/=]/g,
      (sign) => ({ "+": "-", "/": "_", "=": "" })[sign],
    );

  // the path that parlor is below
  const base = document.body.getAttribute("hx-ws:connect").replace(/\/live\?.*/, "");
  const isNew = () => [`${base}/`, base, `${base}/temporary`].includes(location.pathname);

  // What is typed is kept until it is sent: over a reload, over a look at another conversation or persona.
  const { conversation } = document.body.dataset;
  const draftOf = (area) => {
    if (area !== field) return `${conversation}/${area.form.elements.edits.value}`;
    return isNew() ? (conversation.startsWith("temporary-") ? "temporary-new" : "new") : conversation;
  };
  // A text that is changed back is no draft; one that nobody touched here since it came may have been sent
  // from another tab.
  const came = new WeakMap();
  function keepDraft(area) {
    if (area.value === came.get(area)) return;
    came.set(area, area.value);
    drafts.keep(draftOf(area), area !== field && area.value === area.defaultValue ? "" : area.value);
  }
  const keepDrafts = () => document.querySelectorAll("#text, .edit textarea").forEach(keepDraft);
  let keeping = 0;
  document.addEventListener("input", ({ target }) => {
    if (!target.matches("#text, .edit textarea")) return;
    clearTimeout(keeping);
    keeping = setTimeout(keepDrafts, 300); // not at each key
  });
  addEventListener("pagehide", keepDrafts);
  document.addEventListener("visibilitychange", () => document.hidden && keepDrafts());
  if (field.value === "") field.value = drafts.of(draftOf(field));
  came.set(field, field.value);

  // An edit is fetched when it is wanted: what was typed in it before comes back, and the field itself after
  // a reload.
  const editsSent = new Map(); // message id → the draft's name
  document.addEventListener("htmx:after:swap", () => {
    for (const area of document.querySelectorAll(".edit textarea:not([data-drafted])")) {
      area.dataset.drafted = "";
      area.value = drafts.of(draftOf(area)) || area.value;
      came.set(area, area.value);
    }
  });
  document.addEventListener(
    "submit",
    ({ target }) =>
      target.matches(".edit form") &&
      editsSent.set(target.elements.message.value, draftOf(target.elements.text)),
    { capture: true },
  );
  function closeEdit(form) {
    drafts.keep(draftOf(form.elements.text), "");
    form.remove();
  }
  document.addEventListener(
    "click",
    ({ target }) => target.matches?.(".edit .cancel") && closeEdit(target.form),
  );
  let reopenEdits = () => {
    reopenEdits = () => {};
    for (const key of drafts.below(`${conversation}/`))
      document.querySelector(`[hx-get$="/edit/${key.split("/")[1]}"]`)?.click();
  };

  // A conversation gets its address with its first message; htmx pushes addresses only with HTTP answers.
  function nameConversation() {
    if (!isNew() || !document.querySelector("article")) return;
    drafts.keep(draftOf(field), "");
    history.replaceState(null, "", `${base}/c/${conversation}`);
    came.delete(field); // what was typed since is this conversation's
    keepDraft(field);
  }

  // Thoughts fold when the answer begins; who opened some by hand wants to see all of them.
  let keepsThoughts = localStorage.getItem("thoughts") === "open";
  document.addEventListener("click", (event) => {
    const thought = event.target.closest?.(".reasoning > summary")?.parentElement;
    if (!thought) return;
    keepsThoughts = !thought.open; // it is about to change
    localStorage.setItem("thoughts", keepsThoughts ? "open" : "folded");
  });
  function openThoughts() {
    if (keepsThoughts)
      for (const thought of document.querySelectorAll(".reasoning:not([open])")) thought.open = true;
  }

  afterFrame = () => {
    emptyField();
    nameConversation();
    openThoughts();
    reopenEdits();
  };

  // Shortcuts, active while nobody is typing. Each presses a button or a link that the page has.
  const entries = () => [...document.querySelectorAll(".conversations a[href*='/c/']")];
  const step = (by) => {
    const all = entries();
    all[all.findIndex((entry) => entry.ariaCurrent) + by]?.click();
  };
  const keys = {
    n: () => document.querySelector(".new").click(),
    "/": () => document.querySelector("[type=search]").focus(),
    m: () => field.focus(),
    ".": () => document.querySelector(".stop")?.click(),
    j: () => step(1),
    k: () => step(-1),
    e: () => [...document.querySelectorAll("[data-role=user] [hx-get*='/edit/']")].at(-1)?.click(),
    "?": () => find("keys").togglePopover(),
  };
  document.addEventListener("keydown", (event) => {
    const isWriting = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape" && event.target === field) field.blur();
    if (event.key === "Escape" && event.target.matches?.(".edit textarea")) closeEdit(event.target.form);
    if (
      isWriting ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.isComposing ||
      !Object.hasOwn(keys, event.key)
    )
      return;
    event.preventDefault();
    keys[event.key]();
  });

  // Where the reader is decides whether the button is there; CSS cannot ask that in every engine yet.
  // Watched, not asked at each frame: asking has the page laid out at once.
  const button = find("to-end");
  function toEnd() {
    scroller.scrollTop = 0;
    button.hidden = true;
  }
  new IntersectionObserver(
    ([entry]) => {
      button.hidden = entry.isIntersecting;
    },
    { root: scroller, rootMargin: "0px 0px 80px 0px" },
  ).observe(find("end"));
  button.addEventListener("click", toEnd);
})();
