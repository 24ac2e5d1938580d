// What htmx has no word for: how an open answer grows, whether the page is connected, and a socket that looks
// open and is dead.
(() => {
  const silentMs = Number(document.body.dataset.silentMs);
  if (!silentMs) return; // a page without a socket

  // An open answer grows at the end of its last element, or of that one's, `d` deep (views/frame.ts).
  htmx.registerExtension("grow", {
    htmx_process_g(part) {
      let end = document.getElementById("t");
      for (let depth = Number(part.getAttribute("d")); end && depth > 0; depth--) end = end.lastElementChild;
      end?.append(part.content);
    },
  });

  let connection = null;
  /** When the last frame came, in ms since 1970. */
  let heardAt = Date.now();

  // htmx sets no class for a lost connection, only events
  const showLoss = () => document.getElementById("status").setAttribute("data-connection", "off");
  document.addEventListener("htmx:ws:close", showLoss);
  document.addEventListener("htmx:ws:after:connection", (event) => {
    connection = event.detail.connection;
    heardAt = Date.now();
  });
  document.addEventListener("htmx:ws:after:message:incoming", () => {
    heardAt = Date.now();
  });

  /**
   * Closes a socket that has been silent for `silentMs` (three heartbeats), so that htmx opens another. After
   * a laptop's sleep or a phone's change of network a dead socket still looks open: only silence tells.
   */
  function reviveSocket() {
    const isOpen = connection?.socket?.readyState === WebSocket.OPEN;
    if (!isOpen || Date.now() - heardAt < silentMs) return;
    heardAt = Date.now();
    showLoss();
    connection.socket.close();
  }
  setInterval(reviveSocket, 5_000);
  for (const event of ["online", "focus"]) addEventListener(event, reviveSocket);
  // A page that comes back from the browser's cache has lost its socket for good.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
})();
