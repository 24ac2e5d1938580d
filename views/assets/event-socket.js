// To htmx it is a WebSocket. Its frames come as server-sent events, and what the page says goes by POST.
globalThis.EventSocket = class extends EventTarget {
  readyState = WebSocket.CONNECTING;
  #address;
  #events = null;
  /** The name of this stream at the server; null until it is open. */
  #seat = null;
  /** Frames arrive in the order in which they were sent: each waits for the one before. */
  #sent = Promise.resolve();

  constructor(url) {
    super();
    this.#address = url.replace(/^ws/, "http");
    streams.add(this);
  }

  open() {
    if (this.#events !== null || this.readyState !== WebSocket.CONNECTING) return;
    this.#events = new EventSource(this.#address.replace("/live?", "/live/events?"));
    this.#events.addEventListener("seat", ({ data }) => {
      this.#seat = data;
      this.readyState = WebSocket.OPEN;
      streams.remember();
      this.dispatchEvent(new Event("open"));
      void this.#askWhetherHeard();
    });
    this.#events.addEventListener("message", ({ data }) =>
      this.dispatchEvent(new MessageEvent("message", { data })),
    );
    this.#events.addEventListener("bye", ({ data }) => this.#end(Number(data)));
    this.#events.addEventListener("error", () => this.#end(1006));
  }

  /**
   * A proxy that changes the name of the server lets frames through, but every POST is refused. The reader is
   * told before they write anything.
   */
  async #askWhetherHeard() {
    const answer = await fetch(this.#sendAddress, { method: "OPTIONS" }).catch(() => null);
    if (answer?.status === 403) await this.#showRefusal(answer);
  }

  /** Shows the sentence of a refusal. To ask again would not help. */
  async #showRefusal(answer) {
    const sentence = document.createElement("p");
    sentence.className = "failure";
    sentence.textContent = (await answer.json()).error.message;
    document.getElementById("notice")?.replaceChildren(sentence);
  }

  get #sendAddress() {
    return this.#address.replace(/\/live\?.*/, `/live/say?seat=${this.#seat}`);
  }

  /** Closes the stream once the sent frames have arrived. htmx opens another, which waits its turn. */
  rest() {
    if (this.#events !== null) void this.#sent.finally(() => this.#end(1001));
  }

  send(frame) {
    const address = this.#sendAddress;
    this.#sent = this.#sent
      .then(() => fetch(address, { method: "POST", body: frame }))
      .then((answer) => answer.ok || (answer.status === 403 ? this.#showRefusal(answer) : this.#end(1006)))
      .catch(() => this.#end(1006));
  }

  close(code = 1000) {
    this.#end(code);
  }

  #end(code) {
    if (this.readyState === WebSocket.CLOSED) return;
    this.#events?.close();
    if (this.#seat === null && code === 1006) streams.turnOff();
    streams.remove(this);
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new CloseEvent("close", { code }));
  }
};
