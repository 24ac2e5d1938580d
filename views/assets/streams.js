// Which tabs hold a stream of events. A browser has six connections to a server over HTTP/1.1 for all its
// tabs, and each stream takes one. So a hidden tab closes its stream, and of the visible tabs the few that
// were used last keep theirs; the others open theirs again when they are shown or touched.
globalThis.streams = (() => {
  const streamsMax = 4;
  const storageKey = "parlor.way";
  /** True while this tab uses streams in the place of sockets. */
  let isOn = sessionStorage.getItem(storageKey) === "events";
  const tab = Math.random();
  const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("parlor.streams");
  /** Other tab with a stream → when it was used last. */
  const usedAt = new Map();
  let ownUse = 0;
  /** The stream of this tab, open or waiting. */
  let current = null;

  const mayOpen = () =>
    !document.hidden && [...usedAt.values()].filter((at) => at > ownUse).length < streamsMax;
  /** Tells the other tabs when this one was used; 0 means that it has no stream. */
  const tell = (at) => tabs?.postMessage({ tab, at });

  /** The reader uses this tab: it may have a stream now. */
  function use() {
    if (!isOn || document.hidden) return;
    ownUse = Date.now() + tab; // no two are equal
    tell(ownUse);
    current?.open();
  }
  function leave() {
    tell(0);
    current?.rest();
  }

  for (const event of ["focus", "pointerdown", "keydown"]) addEventListener(event, use, { capture: true });
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : use()));
  addEventListener("pagehide", leave);
  tabs?.addEventListener("message", ({ data }) => {
    if (data.at > 0) usedAt.set(data.tab, data.at);
    else usedAt.delete(data.tab);
    if (mayOpen()) current?.open();
    else current?.rest();
  });

  return {
    isOn: () => isOn,
    turnOn() {
      isOn = true;
    },
    /** Other pages of this tab use streams from their start. */
    remember: () => sessionStorage.setItem(storageKey, "events"),
    turnOff() {
      isOn = false;
      sessionStorage.removeItem(storageKey);
    },
    /** Makes this the tab's stream and opens it as soon as it may be open. */
    add(stream) {
      current = stream;
      if (ownUse === 0) use();
      else if (mayOpen()) stream.open();
    },
    remove(stream) {
      if (current === stream) current = null;
    },
  };
})();
