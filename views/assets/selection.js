// Keeps the reader's selection in a running answer when its block ends and is rendered again. The selection
// is found again by its position in the text.
(() => {
  let selected = null;
  const placeIn = (text, node, offset) => {
    const range = document.createRange();
    range.setStart(text, 0);
    range.setEnd(node, offset);
    return range.toString().length;
  };
  function nodeAt(text, place) {
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    let left = place;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (left <= node.length) return [node, left];
      left -= node.length;
    }
    return null;
  }
  document.addEventListener("htmx:ws:before:message:incoming", () => {
    const { isCollapsed, anchorNode, anchorOffset, focusNode, focusOffset } = getSelection();
    const text = isCollapsed
      ? null
      : anchorNode?.parentElement?.closest("article[data-status=running] > .text");
    if (!text?.contains(focusNode)) selected = null;
    else
      selected = {
        text,
        words: String(getSelection()),
        ends: [placeIn(text, anchorNode, anchorOffset), placeIn(text, focusNode, focusOffset)],
      };
  });
  document.addEventListener("htmx:ws:after:message:incoming", () => {
    if (!selected?.text.isConnected || String(getSelection()) === selected.words) return;
    const [anchor, focus] = selected.ends.map((place) => nodeAt(selected.text, place));
    if (anchor && focus) getSelection().setBaseAndExtent(...anchor, ...focus);
  });
})();
