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

  /** A socket that never opened may have found parlor gone. Only where it answers otherwise, and another socket does not open either, is there something between. */
  async function whyNot(url, protocols) {
    const answers = await fetch(url.replace(/^ws/, "http").replace(/\/live\?.*/, "/healthz")).catch(() => null);
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
