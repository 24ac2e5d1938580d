// Many events in few texts: how a Bus of several processes writes what it carries.

import type { HouseEvent } from "../domain/event.ts";

/** Events that wait are dropped beyond this, in UTF-16 units: the channel is slower than they come. */
const waitingMaxUnits = 8 * 1024 * 1024;

interface Payload {
  readonly sender: string;
  /** Counts the payloads of a sender. */
  readonly n: number;
  readonly entries: readonly Entry[];
}

interface Entry {
  /** Empty: all topics. */
  readonly topic: string;
  /** Null: it is lost, or too large. */
  readonly event: HouseEvent | null;
}

export class Packer {
  readonly sender: string;
  readonly #maxBytes: number;
  /** A line for each event: its topic, a tab, its JSON. */
  #lines: string[] = [];
  #units = 0;
  #n = 0;
  #isLost = false;

  constructor(sender: string, maxBytes: number) {
    this.sender = sender;
    this.#maxBytes = maxBytes - sender.length - 20; // and the number
  }

  get isWaiting(): boolean {
    return this.#isLost || this.#lines.length > 0;
  }

  add(topic: string, event: HouseEvent): void {
    if (this.#isLost) return; // everybody is told to read the Store
    const line = `${topic}\t${JSON.stringify(event)}`;
    this.#lines.push(line);
    this.#units += line.length;
    if (this.#units > waitingMaxUnits) this.lose();
  }

  /** Drops what is waiting. The next payload says that something is lost. */
  lose(): void {
    [this.#lines, this.#units, this.#isLost] = [[], 0, true];
  }

  /** What is waiting, in payloads. */
  take(): string[] {
    const lines = this.#isLost ? ["\t"] : this.#lines;
    [this.#lines, this.#units, this.#isLost] = [[], 0, false];
    const payloads: string[] = [];
    let [some, bytes] = [[] as string[], 0];
    const end = () => {
      if (some.length > 0) payloads.push(`${this.sender} ${this.#n++}\n${some.join("\n")}`);
      [some, bytes] = [[], 0];
    };
    for (const whole of lines) {
      const size = Buffer.byteLength(whole) + 1;
      const line = size > this.#maxBytes ? whole.slice(0, whole.indexOf("\t") + 1) : whole;
      const lineBytes = line === whole ? size : Buffer.byteLength(line) + 1;
      if (bytes + lineBytes > this.#maxBytes) end();
      some.push(line);
      bytes += lineBytes;
    }
    end();
    return payloads;
  }
}

export function unpacked(payload: string): Payload {
  const [head = "", ...lines] = payload.split("\n");
  const [sender = "", n = "0"] = head.split(" ");
  const entries = lines.map((line) => {
    const at = line.indexOf("\t");
    const json = line.slice(at + 1);
    return { topic: line.slice(0, at), event: json === "" ? null : (JSON.parse(json) as HouseEvent) };
  });
  return { sender, n: Number(n), entries };
}
