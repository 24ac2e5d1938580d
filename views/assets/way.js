// Where a proxy lets no WebSocket through, the same frames come as server-sent events, and what is said goes by POST. To htmx it is a WebSocket.
(() => {
  const Socket = window.WebSocket;
  const remembered = "parlor.way";
  let byEvents = sessionStorage.getItem(remembered) === "events";

  class EventWay extends EventTarget {
    readyState = Socket.CONNECTING;
    #address;
    #events;
    #seat = null;
    /** What is said arrives in the order in which it was said. */
    #said = Promise.resolve();

    constructor(url) {
      super();
      this.#address = url.replace(/^ws/, "http");
      this.#events = new EventSource(this.#address.replace("/live?", "/live/events?"));
      this.#events.addEventListener("seat", ({ data }) => {
        this.#seat = data;
        this.readyState = Socket.OPEN;
        sessionStorage.setItem(remembered, "events");
        this.dispatchEvent(new Event("open"));
      });
      this.#events.addEventListener("message", ({ data }) => this.dispatchEvent(new MessageEvent("message", { data })));
      this.#events.addEventListener("bye", ({ data }) => this.#end(Number(data)));
      this.#events.addEventListener("error", () => this.#end(1006));
    }

    send(frame) {
      const address = this.#address.replace(/\/live\?.*/, `/live/say?seat=${this.#seat}`);
      this.#said = this.#said
        .then(() => fetch(address, { method: "POST", body: frame }))
        .then(({ ok }) => ok || this.#end(1006))
        .catch(() => this.#end(1006));
    }

    close(code = 1000) {
      this.#end(code);
    }

    #end(code) {
      if (this.readyState === Socket.CLOSED) return;
      this.#events.close();
      if (this.#seat === null) useSockets();
      this.readyState = Socket.CLOSED;
      this.dispatchEvent(new CloseEvent("close", { code }));
    }
  }

  function useSockets() {
    byEvents = false;
    sessionStorage.removeItem(remembered);
  }

  /** A way that never opened is followed by the other. */
  function Way(url, protocols) {
    if (byEvents) return new EventWay(url);
    const socket = new Socket(url, protocols);
    let hasOpened = false;
    socket.addEventListener("open", () => {
      hasOpened = true;
    });
    socket.addEventListener("close", () => {
      byEvents = !hasOpened;
    });
    return socket;
  }
  for (const state of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]) Way[state] = Socket[state];
  window.WebSocket = Way;
})();
