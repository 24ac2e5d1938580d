// A citation that is followed opens its passage beside the thread, or in a sheet over it where the window is
// narrow. Without this script, in a new tab, or when the passage can't be fetched, the link leads to its page.
(() => {
  const panel = document.getElementById("source");
  if (!panel) return;
  const hasRoom = matchMedia("(width >= 75rem)");
  /** The link that was followed last, and the one whose passage is shown. */
  let followed = null;
  let shown = null;

  /** Its passage's address, with the message that cites it. */
  function addressOf(link) {
    const address = new URL(link.href);
    const message = link.closest("article")?.id.slice(2);
    if (message) address.searchParams.set("at", message);
    return address;
  }

  async function open(link) {
    followed = link;
    const headers = { "hx-request": "true" };
    const answer = await fetch(addressOf(link), { headers }).catch(() => null);
    const html = answer?.ok ? await answer.text() : null;
    if (followed !== link) return; // another one was followed meanwhile
    if (html === null) return location.assign(link.href);
    shown = link;
    panel.innerHTML = html;
    if (!panel.open) panel[hasRoom.matches ? "show" : "showModal"]();
    panel.scrollTop = 0;
    panel.querySelector("[autofocus]")?.focus({ preventScroll: true });
    panel.querySelector(".passage")?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.cite[href], .nearest a");
    const isOtherwise = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || event.defaultPrevented || event.button !== 0 || isOtherwise) return;
    event.preventDefault();
    void open(link);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !panel.open || event.target.matches?.("input, textarea, select")) return;
    if (!document.querySelector(":popover-open")) close();
  });

  panel.addEventListener("submit", (event) => {
    event.preventDefault();
    close();
  });

  // a press beside a sheet closes it; the thread beside a panel stays usable
  panel.addEventListener("click", (event) => event.target === panel && panel.matches(":modal") && close());

  // the browser closes a sheet, too; it says so later, when another link may have been followed
  panel.addEventListener("close", empty);

  function close() {
    followed = null;
    panel.close();
    empty();
  }

  /** Empties the closed panel; the focus returns to the link, which may have been drawn anew meanwhile. */
  function empty() {
    if (panel.open || shown === null) return;
    const link = shown.isConnected
      ? shown
      : document.querySelector(`a.cite[href="${shown.getAttribute("href")}"]`);
    shown = null;
    panel.replaceChildren();
    link?.focus({ preventScroll: true });
  }
})();
