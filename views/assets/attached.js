// The list of files for the next message, above the field. A file is in the list from the moment it is given,
// and has an id, which the form sends, once the server has stored it.
globalThis.attached = (() => {
  const list = document.getElementById("attached");
  if (!list) return null; // the reader may not write here

  const items = () => [...list.children];
  const idOf = (item) => item.querySelector("[name=file]")?.value;

  /** As words/numbers.ts writes it. */
  function sizeOf(bytes) {
    const steps = bytes < 2 ** 20 ? 1 : bytes < 2 ** 30 ? 2 : 3;
    const value = Math.max(bytes / 1024 ** steps, steps === 1 ? 1 : 0);
    const maximumFractionDigits = steps === 1 || value >= 100 ? 0 : 1;
    const number = value.toLocaleString(document.documentElement.lang, { maximumFractionDigits });
    return `${number} ${["kB", "MB", "GB"][steps - 1]}`;
  }

  /** Adds a file that is not uploaded yet; returns its item. */
  function add({ name, size }) {
    const item = document.getElementById("attaching").content.cloneNode(true).firstElementChild;
    const [label, facts, button] = [".name", ".facts", "button"].map((part) => item.querySelector(part));
    label.textContent = name;
    label.title = name;
    facts.textContent = sizeOf(size);
    button.ariaLabel = button.ariaLabel.replace("%", () => name);
    list.append(item);
    return item;
  }

  /** Shows that a file has arrived and is being read: its progress is not known. */
  function showReading(item) {
    const facts = item.querySelector(".facts");
    facts.textContent = facts.dataset.reading;
    item.querySelector("progress").removeAttribute("value");
  }

  const tell = () => document.dispatchEvent(new Event("attached"));

  /** Shows that the server has stored the file of an item; `address` is where it is fetched. */
  function settle(item, { id, type, pages, bytes, notes = [] }, address) {
    const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
    const facts = item.querySelector(".facts");
    const length = pages > 1 ? facts.dataset[type]?.replace("%", pages.toLocaleString()) : undefined;
    facts.textContent = [length, sizeOf(bytes)].filter(Boolean).join(" · ");
    item.querySelector("progress").remove();
    for (const textContent of notes)
      item.firstElementChild.append(make("span", { className: "note", textContent }));
    item.append(make("input", { type: "hidden", name: "file", value: id }));
    if (type === "picture") item.firstElementChild.prepend(make("img", { src: address, alt: "" }));
    tell();
  }

  function remove(item) {
    item.remove();
    tell();
  }

  return {
    list,
    idOf,
    add,
    showReading,
    settle,
    remove,
    count: () => items().length,
    /** Ids of the files that are stored. */
    ids: () => items().flatMap((item) => idOf(item) ?? []),
    isBusy: () => items().some((item) => !idOf(item)),
    /** Takes out of the list what was sent. */
    forget(ids) {
      for (const item of items()) if (ids.includes(idOf(item))) remove(item);
    },
  };
})();
