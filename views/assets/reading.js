// Reading a conversation: a question that was asked here stands below the head while its answer grows, the
// thoughts of answers stay open for a reader who wants them, and a button leads to the end of the text.
globalThis.reading = (() => {
  const find = (id) => document.getElementById(id);
  if (!find("text")) return null; // the page of a link has no such button

  // Thoughts fold when the answer begins; a reader who opened some wants to see all of them.
  let keepsThoughts = localStorage.getItem("thoughts") === "open";
  document.addEventListener("click", (event) => {
    const thought = event.target.closest?.(".reasoning > summary")?.parentElement;
    if (!thought) return;
    keepsThoughts = !thought.open; // it is about to change
    localStorage.setItem("thoughts", keepsThoughts ? "open" : "folded");
  });
  function openThoughts() {
    if (keepsThoughts)
      for (const thought of document.querySelectorAll(".reasoning:not([open])")) thought.open = true;
  }
  document.addEventListener("htmx:ws:after:message:incoming", openThoughts);

  const scroller = find("scroller");
  const button = find("to-end");
  function toEnd() {
    scroller.scrollTop = 0;
    button.hidden = true;
  }
  button.addEventListener("click", toEnd);
  // Not every engine's CSS can ask where the reader is. Watched rather than asked at each frame: asking makes
  // the browser lay the page out at once.
  new IntersectionObserver(
    ([entry]) => {
      button.hidden = entry.isIntersecting;
    },
    { root: scroller, rootMargin: "0px 0px 80px 0px" },
  ).observe(find("end"));

  /**
   * Moves a question that was asked here below the head: its answer gets the rest of the window, and keeps it
   * when it is whole, so that nothing jumps. One pixel off the end, the browser leaves the reader alone.
   */
  function begin(question) {
    const answer = question.nextElementSibling;
    if (!answer || answer.nextElementSibling) return; // it was answered meanwhile, or is an edit above others
    const { paddingBlockStart, paddingBlockEnd } = getComputedStyle(find("thread").parentElement);
    const above = answer.offsetTop - question.offsetTop;
    const margins = Number.parseFloat(paddingBlockStart) + Number.parseFloat(paddingBlockEnd) - 2;
    find("thread").style.setProperty("--above", `${above + margins}px`);
    scroller.scrollTop = -1;
  }

  return { toEnd, begin };
})();
