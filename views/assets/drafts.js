// The browser's store of drafts, by person and conversation. A draft outlasts a reload, a look at another
// conversation and a session that ran out. It is forgotten when it was sent, when its person signs out, and
// when somebody else signs in.
globalThis.drafts = (() => {
  const prefix = "parlor.drafts.";
  const { person } = document.body.dataset; // absent on pages without a person
  const name = prefix + person;
  /** Beyond this many, the oldest are deleted. */
  const draftsMax = 50;
  let isSignedOut = false;

  /**
   * A draft on an empty page belongs to its tab. A draft of a temporary chat is kept only as long as its tab.
   * The files of a draft are kept under its name behind `files/`.
   */
  const storageOf = (key) => (/^(?:files\/)?(?:new$|temporary-)/.test(key) ? sessionStorage : localStorage);

  const read = (storage) => {
    try {
      return JSON.parse(storage.getItem(name)) ?? {};
    } catch {
      return {}; // the storage is closed, or holds something else
    }
  };

  function write(storage, all) {
    const keys = Object.keys(all);
    for (const key of keys.slice(0, Math.max(0, keys.length - draftsMax))) delete all[key];
    try {
      storage.setItem(name, JSON.stringify(all));
    } catch {
      // the storage is full or closed: the text stays in the page alone
    }
  }

  const forget = (isWanted) => {
    for (const storage of [localStorage, sessionStorage])
      for (const key of Object.keys(storage))
        if (key.startsWith(prefix) && isWanted(key)) storage.removeItem(key);
  };

  if (person) forget((key) => key !== name);
  document.addEventListener(
    "submit",
    ({ target }) => new URL(target.action).pathname.endsWith("/logout") && forget(() => true),
  );
  // the person signed out in another tab
  addEventListener("storage", ({ key, newValue }) => {
    if (key === name && newValue === null) isSignedOut = true;
  });

  return {
    of: (key) => read(storageOf(key))[key] ?? "",
    /** Names of the drafts that begin with `start`. */
    below: (start) => Object.keys(read(storageOf(start))).filter((key) => key.startsWith(start)),
    keep(key, text) {
      if (isSignedOut) return;
      const { [key]: before = "", ...others } = read(storageOf(key));
      if (before !== text) write(storageOf(key), text === "" ? others : { ...others, [key]: text });
    },
  };
})();
