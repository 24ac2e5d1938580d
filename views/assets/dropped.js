// Files that are dropped on the page, or pasted into the field. They go to attach.js as an event.
(() => {
  const field = document.getElementById("text");
  if (!field) return; // the reader may not write here
  const { form } = field;
  const give = (files) => document.dispatchEvent(new CustomEvent("files", { detail: [...files] }));

  const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    form.dataset.dropping = "";
  });
  document.addEventListener(
    "dragleave",
    ({ relatedTarget }) => relatedTarget ?? delete form.dataset.dropping,
  );
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    delete form.dataset.dropping;
    give(event.dataTransfer.files);
  });
  // what is copied from an office program is text as well as a picture of it: the text is meant
  field.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    if (files.length === 0 || types.includes("text/plain")) return;
    event.preventDefault();
    give(files);
  });
})();
