// Gives htmx sockets, or streams of events (event-socket.js) where a proxy lets no WebSocket through.
(() => {
  const Socket = window.WebSocket;

  /**
   * Turns to streams after a socket that never opened, if the server answers other requests and a second
   * socket does not open either: then a proxy blocks sockets. A server that is gone is no reason.
   */
  async function tryAgain(url, protocols) {
    const answer = await fetch(url.replace(/^ws/, "http").replace(/\/live\?.*/, "/healthz")).catch(
      () => null,
    );
    if (!answer?.ok) return;
    const second = new Socket(url, protocols);
    second.addEventListener("error", streams.turnOn);
    second.addEventListener("open", () => second.close());
  }

  /** Stands in the place of the browser's WebSocket. */
  function Transport(url, protocols) {
    if (streams.isOn()) return new EventSocket(url);
    const socket = new Socket(url, protocols);
    let hasOpened = false;
    socket.addEventListener("open", () => {
      hasOpened = true;
    });
    socket.addEventListener("close", () => hasOpened || tryAgain(url, protocols));
    return socket;
  }
  for (const state of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]) Transport[state] = Socket[state];
  window.WebSocket = Transport;
})();
