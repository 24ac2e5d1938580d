// How files get into the list of the next message, and out of it: chosen, uploaded at once, removed.
(() => {
  if (!attached) return; // the reader may not write here
  const find = (id) => document.getElementById(id);
  const [input, notice, field] = ["attach", "notice", "text"].map(find);
  const address = `${typed.base}/files`;
  input.removeAttribute("name"); // the form brings ids of files, not files
  input.disabled = false; // the page without scripts closes it during an answer

  /** Says what is wrong with a file, by its name. */
  function say(name, sentence) {
    const line = document.createElement("p");
    line.textContent = sentence.includes(name) ? sentence : `${name}: ${sentence}`;
    notice.append(line);
  }

  /** Uploads the file of an item. Resolves when it is stored or refused, or the item was removed. */
  function upload(file, item) {
    if (!item.isConnected) return null;
    return new Promise((resolve) => {
      const request = new XMLHttpRequest(); // fetch does not say how much was sent
      const body = new FormData();
      body.append("file", file);
      request.open("POST", `${address}?${new URLSearchParams(typed.fileQuery())}`);
      request.responseType = "json";
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        item.querySelector("progress").value = loaded / total;
      });
      request.upload.addEventListener("load", () => attached.showReading(item));
      item.addEventListener("removed", () => request.abort());
      request.addEventListener("loadend", () => {
        const { status, response } = request;
        if (status === 201 && item.isConnected) attached.settle(item, response, `${address}/${response.id}`);
        else if (item.isConnected) {
          item.remove();
          say(file.name, response?.error?.message ?? input.dataset.lost);
        }
        resolve();
      });
      request.send(body);
    });
  }

  /** One upload after another: the server holds a file in memory while it arrives. */
  let uploads = Promise.resolve();

  function addAll(files) {
    notice.replaceChildren();
    const { max, maxBytes, tooMany, tooLarge } = input.dataset;
    for (const file of files) {
      if (attached.count() >= Number(max)) return say("", tooMany);
      if (file.size > Number(maxBytes)) say(file.name, tooLarge);
      else {
        const item = attached.add(file);
        uploads = uploads.then(() => upload(file, item));
      }
    }
  }

  function remove(item) {
    const id = attached.idOf(item);
    attached.remove(item);
    item.dispatchEvent(new Event("removed"));
    // if it fails: the server deletes files that are not sent after a time
    if (id) void fetch(`${address}/${id}`, { method: "DELETE" }).catch(() => {});
    field.focus();
  }

  input.addEventListener("change", () => {
    addAll([...input.files]);
    input.value = ""; // so that the same file can be chosen again
    field.focus();
  });
  attached.list.addEventListener("click", ({ target }) => {
    if (target.closest("button")) remove(target.closest("li"));
  });
  document.addEventListener("files", ({ detail }) => addAll(detail));
})();
