// Where a proxy lets no WebSocket through, the same frames come as server-sent events, and what is said goes
// by POST. To htmx it is a WebSocket.
(() => {
  const Socket = window.WebSocket;
  const remembered = "parlor.way";
  let byEvents = sessionStorage.getItem(remembered) === "events";

  // A browser has six connections to a server over HTTP/1.1, for all its tabs, and each stream takes one. So
  // a tab that is hidden lets its own go, and of those that are shown the few that were used last keep
  // theirs; the others come back when they are shown or touched.
  const streamsMax = 4;
  const tab = Math.random();
  const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("parlor.streams");
  const usedAt = new Map(); // of the other tabs that have a stream
  let ownUse = 0;
  let current = null;
  const mayStream = () =>
    !document.hidden && [...usedAt.values()].filter((at) => at > ownUse).length < streamsMax;
  const tell = (at) => tabs?.postMessage({ tab, at });

  /** This tab is used: it has a right to a stream now. */
  function use() {
    if (!byEvents || document.hidden) return;
    ownUse = Date.now() + tab; // no two are alike
    tell(ownUse);
    current?.open();
  }
  for (const event of ["focus", "pointerdown", "keydown"]) addEventListener(event, use, { capture: true });
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : use()));
  addEventListener("pagehide", leave);
  function leave() {
    tell(0);
    current?.rest();
  }
  tabs?.addEventListener("message", ({ data }) => {
    if (data.at > 0) usedAt.set(data.tab, data.at);
    else usedAt.delete(data.tab);
    if (mayStream()) current?.open();
    else current?.rest();
  });

  /** Says what a refusal says: asking again would not help. */
  async function showRefusal(answer) {
    const said = document.createElement("p");
    said.className = "failure";
    said.textContent = (await answer.json()).error.message;
    document.getElementById("notice")?.replaceChildren(said);
  }

  class EventWay extends EventTarget {
    readyState = Socket.CONNECTING;
    #address;
    #events = null;
    #seat = null;
    /** What is said arrives in the order in which it was said. */
    #said = Promise.resolve();

    constructor(url) {
      super();
      this.#address = url.replace(/^ws/, "http");
      current = this;
      if (ownUse === 0) use();
      else if (mayStream()) this.open();
    }

    open() {
      if (this.#events !== null || this.readyState !== Socket.CONNECTING) return;
      this.#events = new EventSource(this.#address.replace("/live?", "/live/events?"));
      this.#events.addEventListener("seat", ({ data }) => {
        this.#seat = data;
        this.readyState = Socket.OPEN;
        sessionStorage.setItem(remembered, "events");
        this.dispatchEvent(new Event("open"));
        void this.#mayBeHeard();
      });
      this.#events.addEventListener("message", ({ data }) =>
        this.dispatchEvent(new MessageEvent("message", { data })),
      );
      this.#events.addEventListener("bye", ({ data }) => this.#end(Number(data)));
      this.#events.addEventListener("error", () => this.#end(1006));
    }

    /**
     * A proxy that changes our name lets frames come and nothing be sent: that is said before somebody has
     * written something.
     */
    async #mayBeHeard() {
      const answer = await fetch(this.#sayAddress, { method: "OPTIONS" }).catch(() => null);
      if (answer?.status === 403) await showRefusal(answer);
    }

    get #sayAddress() {
      return this.#address.replace(/\/live\?.*/, `/live/say?seat=${this.#seat}`);
    }

    /** Gives the stream up; the page comes again by another way, which waits until it may. */
    rest() {
      // what was said just now arrives
      if (this.#events !== null) void this.#said.finally(() => this.#end(1001));
    }

    send(frame) {
      const address = this.#sayAddress;
      this.#said = this.#said
        .then(() => fetch(address, { method: "POST", body: frame }))
        .then((answer) => answer.ok || (answer.status === 403 ? showRefusal(answer) : this.#end(1006)))
        .catch(() => this.#end(1006));
    }

    close(code = 1000) {
      this.#end(code);
    }

    #end(code) {
      if (this.readyState === Socket.CLOSED) return;
      this.#events?.close();
      if (this.#seat === null && code === 1006) useSockets();
      if (current === this) current = null;
      this.readyState = Socket.CLOSED;
      this.dispatchEvent(new CloseEvent("close", { code }));
    }
  }

  function useSockets() {
    byEvents = false;
    sessionStorage.removeItem(remembered);
  }

  /**
   * A socket that never opened may have found parlor gone. Only where it answers otherwise, and another
   * socket does not open either, is there something between.
   */
  async function whyNot(url, protocols) {
    const answers = await fetch(url.replace(/^ws/, "http").replace(/\/live\?.*/, "/healthz")).catch(
      () => null,
    );
    if (!answers?.ok) return;
    const second = new Socket(url, protocols);
    second.addEventListener("error", () => {
      byEvents = true;
    });
    second.addEventListener("open", () => second.close());
  }

  function Way(url, protocols) {
    if (byEvents) return new EventWay(url);
    const socket = new Socket(url, protocols);
    let hasOpened = false;
    socket.addEventListener("open", () => {
      hasOpened = true;
    });
    socket.addEventListener("close", () => hasOpened || whyNot(url, protocols));
    return socket;
  }
  for (const state of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]) Way[state] = Socket[state];
  window.WebSocket = Way;
})();
