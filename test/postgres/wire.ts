// A TCP connection with faults: a proxy on loopback whose connections can be cut, frozen and refused.

import type { Socket } from "bun";

interface Pair {
  near: Socket<Pair>;
  far: Socket<Pair> | null;
  /** What was sent while the wire was frozen, or `far` not yet open. */
  held: (() => void)[];
  isClosed: boolean;
}

export interface Wire {
  readonly port: number;
  /** Ends all connections at once. */
  cut(): void;
  /** Nothing passes any more, and nobody is told. */
  freeze(): void;
  thaw(): void;
  /** New connections end at once. */
  refuse(): void;
  accept(): void;
  /** Connections that were opened so far. */
  readonly opened: number;
  close(): void;
}

/** A wire to a port of this machine. */
export function openWire(target: number): Wire {
  const pairs = new Set<Pair>();
  let [isFrozen, isRefusing, opened] = [false, false, 0];
  const pass = (pair: Pair, to: "near" | "far", data: Uint8Array): void => {
    const copy = data.slice();
    const go = () => send(pair[to], copy);
    if (isFrozen || pair.far === null) pair.held.push(go);
    else go();
  };
  const ended = (pair: Pair): void => {
    pair.isClosed = true;
    pairs.delete(pair);
    if (isFrozen) return; // the other side does not hear of it
    pair.near.end();
    pair.far?.end();
  };
  const release = (pair: Pair): void => {
    for (const go of pair.held.splice(0)) go();
  };
  const connect = async (pair: Pair): Promise<void> => {
    const socket = {
      data: (_: Socket<Pair>, data: Uint8Array) => pass(pair, "near", data),
      drain: (far: Socket<Pair>) => flush(far),
      close: () => ended(pair),
      error() {},
    };
    const far = await Bun.connect<Pair>({ hostname: "127.0.0.1", port: target, socket }).catch(() => null);
    if (far === null || pair.isClosed) {
      far?.end();
      pair.near.end();
      return;
    }
    pair.far = far;
    if (!isFrozen) release(pair);
  };
  const server = Bun.listen<Pair>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(near) {
        if (isRefusing) return void near.end();
        const pair: Pair = { near, far: null, held: [], isClosed: false };
        near.data = pair;
        pairs.add(pair);
        opened++;
        void connect(pair);
      },
      data: (near, data) => near.data && pass(near.data, "far", data),
      drain: (near) => flush(near),
      close: (near) => near.data && ended(near.data),
      error() {},
    },
  });
  const cut = () => {
    for (const { near, far } of [...pairs]) {
      near.terminate();
      far?.terminate();
    }
    pairs.clear();
  };
  return {
    port: server.port,
    cut,
    freeze: () => (isFrozen = true),
    thaw() {
      isFrozen = false;
      for (const pair of pairs) if (pair.far) release(pair);
    },
    refuse: () => (isRefusing = true),
    accept: () => (isRefusing = false),
    get opened() {
      return opened;
    },
    close() {
      cut();
      server.stop(true);
    },
  };
}

/** What a socket could not take yet. */
const rests = new WeakMap<object, Uint8Array[]>();

function send(socket: Socket<Pair> | null, data: Uint8Array): void {
  if (socket === null) return;
  const rest = rests.get(socket) ?? [];
  rests.set(socket, rest);
  rest.push(data);
  flush(socket);
}

function flush(socket: Socket<Pair>): void {
  const rest = rests.get(socket) ?? [];
  while (rest.length > 0) {
    const [next] = rest as [Uint8Array];
    const sent = socket.write(next);
    if (sent < next.length) {
      rest[0] = next.subarray(Math.max(0, sent));
      return;
    }
    rest.shift();
  }
}
