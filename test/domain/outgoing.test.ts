// Output to a reader that is slower than its source. If this fails, a reader misses text without knowing it,
// stays behind for ever, or keeps memory after it was given up.

import { expect, test } from "bun:test";
import { full, OutgoingStream, sendTo } from "../../src/domain/outgoing.ts";

class Stream extends OutgoingStream {
  drained = 0;
  over: boolean[] = [];

  protected onDrain(): void {
    this.drained++;
  }

  protected onOver(isCut: boolean): void {
    this.over.push(isCut);
  }

  send(text: string, maxBytes = 1000): number {
    return this.write(text, maxBytes);
  }
}

test("a dropped frame disconnects the reader; an empty one, which Bun sends and answers with 0, does not", () => {
  const closed: number[] = [];
  const transport = { send: () => 0, close: (code: number) => closed.push(code) };
  sendTo(transport, "");
  expect(closed).toEqual([]);
  sendTo(transport, "text");
  expect(closed).toEqual([1013]);
});

test("a real socket answers as the contract says: bytes, 0 for an empty frame that arrives, 0 when closed", async () => {
  const results: number[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null, { status: 400 })),
    websocket: {
      message(ws) {
        results.push(ws.send("äb"), ws.send(""));
        ws.close();
        results.push(ws.send("late"));
      },
    },
  });
  const received: unknown[] = [];
  const client = new WebSocket(`ws://127.0.0.1:${server.port}`);
  const closed = new Promise((resolve) => client.addEventListener("close", resolve));
  client.addEventListener("message", ({ data }) => received.push(data));
  client.addEventListener("open", () => client.send("go"));
  await closed;
  await server.stop(true);
  expect(results).toEqual([3, 0, 0]);
  expect(received).toEqual(["äb", ""]);
});

test("a reader is behind until it has read, whatever is sent meanwhile, and is told once that it has caught up", async () => {
  const stream = new Stream(10);
  const reader = stream.readable.getReader();
  expect(stream.send("abc")).toBe(3);
  expect(stream.send("0123456789")).toBe(full);
  expect(stream.send("x")).toBe(full);
  expect([stream.isBehind, stream.drained]).toEqual([true, 0]);
  for (let i = 0; i < 3; i++) await reader.read();
  expect([stream.isBehind, stream.drained]).toEqual([false, 1]);
  expect(stream.send("y")).toBe(1);
});

test("beyond its bound a reader is disconnected: what is unread is dropped, and nothing more is taken", async () => {
  const stream = new Stream(10);
  stream.send("x".repeat(1000));
  expect(stream.isOver).toBe(false);
  stream.send("x");
  expect(stream.over).toEqual([true]);
  expect(stream.send("more")).toBe(0);
  await expect(new Response(stream.readable).text()).rejects.toThrow("not read");
});

test("the end is told once, and says whether the reader was cut off", async () => {
  const closed = new Stream(10);
  closed.send("all");
  closed.close();
  closed.disconnect();
  expect([await new Response(closed.readable).text(), closed.over]).toEqual(["all", [false]]);
  const left = new Stream(10);
  await left.readable.cancel();
  left.close();
  expect(left.over).toEqual([true]);
  const failed = new Stream(10);
  failed.fail(new Error("cut"));
  expect(failed.over).toEqual([false]);
  await expect(new Response(failed.readable).text()).rejects.toThrow("cut");
});
