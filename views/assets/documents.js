// The forms that add documents to a collection. Several are sent one after the other, so that together they may
// be larger than one request; without scripts the form brings them all at once.
(() => {
  const send = async (address, file) => {
    const body = new FormData();
    body.append("file", file);
    const answer = await fetch(address, { method: "POST", body });
    return { isRefused: !answer.ok, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
  };

  for (const form of document.querySelectorAll("form[data-sending]"))
    form.addEventListener("submit", async (event) => {
      const { files } = form.querySelector("[type=file]");
      if (files.length < 2) return;
      event.preventDefault();
      const [button, said] = [form.querySelector("[type=submit]"), form.querySelector("[role=status]")];
      button.disabled = true;
      const alert = document.querySelector("main [role=alert]");
      alert.replaceChildren();
      let place = 0;
      for (const file of files) {
        place++;
        said.textContent = form.dataset.sending.replace("%", place).replace("%", files.length);
        const { isRefused, page } = await send(form.action, file).catch(() => ({ isRefused: true }));
        const faults = page?.querySelectorAll("main [role=alert] p") ?? [];
        if (isRefused && faults.length === 0) alert.append(`${file.name}: ${form.dataset.lost}`);
        else if (isRefused) alert.append(...faults);
      }
      if (alert.childNodes.length === 0) {
        location.assign(form.action);
        return;
      }
      // what was refused stays on the page
      said.textContent = "";
      button.disabled = false;
      form.reset();
      const list = document.getElementById(form.dataset.list);
      const fresh = await (await fetch(form.dataset.from)).text();
      list.outerHTML = fresh;
      window.htmx.process(document.getElementById(form.dataset.list));
    });
})();
