// The files of the next message are part of its draft (drafts.js): the browser keeps the ids of what the server
// has stored, and shows on the next page those that were neither sent nor deleted meanwhile.
globalThis.keptFiles = (() => {
  if (!attached) return null; // the reader may not write here
  const address = `${typed.base}/files`;

  function keep() {
    const ids = attached.ids();
    drafts.keep(typed.filesDraft(), ids.join(" "));
  }

  async function restore(ids) {
    const query = new URLSearchParams([...ids.map((id) => ["id", id]), ...typed.fileQuery()]);
    const response = await fetch(`${address}?${query}`);
    if (!response.ok) return;
    for (const file of (await response.json()).files) {
      const item = attached.add({ name: file.name, size: file.bytes });
      attached.settle(item, file, `${address}/${file.id}`);
    }
    keep();
  }

  const ids = drafts.of(typed.filesDraft()).split(" ").filter(Boolean);
  // without a connection they are shown on the next page
  if (ids.length > 0) void restore(ids).catch(() => {});
  document.addEventListener("attached", keep);
  return { keep };
})();
