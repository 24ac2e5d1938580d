// A wire between a browser and a parlor that can be cut: what a dead router does to sockets. Used by end-to-end tests.

import { freePort } from "../llama/server.ts";

interface Pair {
  other: Bun.Socket<Pair> | null;
  early: Uint8Array[];
}

/** A wire to `target`. */
export function startWire(target: string): { url: string; cut(): void; stop(): void } {
  const port = Number(new URL(target).port);
  const open = new Set<Bun.Socket<Pair>>();
  const forward = {
    data(socket: Bun.Socket<Pair>, bytes: Uint8Array) {
      if (socket.data.other) socket.data.other.write(bytes);
      else socket.data.early.push(bytes);
    },
    close(socket: Bun.Socket<Pair>) {
      open.delete(socket);
      socket.data.other?.end();
    },
    error() {},
  };
  const listener = Bun.listen<Pair>({
    hostname: "127.0.0.1",
    port: freePort(),
    socket: {
      ...forward,
      async open(socket) {
        socket.data = { other: null, early: [] };
        open.add(socket);
        const other = await Bun.connect<Pair>({
          hostname: "127.0.0.1",
          port,
          data: { other: socket, early: [] },
          socket: forward,
        });
        open.add(other);
        socket.data.other = other;
        for (const bytes of socket.data.early.splice(0)) other.write(bytes);
      },
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    cut() {
      for (const socket of [...open]) socket.terminate();
    },
    stop: () => listener.stop(true),
  };
}
