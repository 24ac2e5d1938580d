// A client that stops reading, over a real TCP connection: it costs bounded memory, slows nobody else, and
// gets one snapshot when it reads again.
// Promises: C3.

import { expect, test } from "bun:test";
import { newId } from "../../src/domain/id.ts";
import { PageClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { startScripted } from "../upstream/scripted.ts";

const pieces = 400;
const piece = `${"x".repeat(64 * 1024 - 1)}\n`;

/** A WebSocket by hand, so that reading can stop. */
async function slowReader(url: string, path: string) {
  const state = { bytes: 0, text: "", open: false };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(url).port),
    socket: {
      data(_, data) {
        state.bytes += data.length;
        state.text = (state.text + data.toString("latin1")).slice(-4096);
        state.open ||= state.text.includes("101 Switching");
      },
    },
  });
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await until(() => state.open, "the slow reader is connected");
  return { socket, state };
}

test("while a reader has stopped, others get every piece of 25 MB, and it gets one snapshot later", async () => {
  const upstream = startScripted(async (exchange) => {
    exchange.begin();
    exchange.delta("```\n"); // in code each line is sent once
    for (let i = 0; i < pieces; i++) {
      exchange.delta(piece);
      await until(() => (page.last?.text.length ?? 0) >= (i + 1) * piece.length, "the quick page has it");
    }
    exchange.finish();
  });
  const house = await startHouse({ llama: upstream.url, bounds: { foldMs: 0, answerMaxChars: 64 << 20 } });
  const conversation = newId();
  const page = new QuickPage(house, conversation);
  await page.ready();
  const slow = await slowReader(house.url, `/live?c=${conversation}`);
  slow.socket.pause();
  page.say("much");
  await until(() => page.done, "the quick page has the whole answer", 240_000);
  const total = pieces * piece.length;
  expect(page.total).toBe(total);
  slow.socket.resume();
  await until(
    () => slow.state.bytes > total && slow.state.text.includes("Send</button>"),
    "the slow reader has the end",
  );
  // what fitted into the kernel's buffers before it was noticed, then one snapshot; a queue of all frames
  // would be 2 × the text
  expect(slow.state.bytes).toBeLessThan(1.6 * total);
  slow.socket.terminate();
  page.close();
  await house.stop();
  upstream.stop();
});

/** Counts the text of the frames without building a document of 25 MB for each. */
class QuickPage extends PageClient {
  total = 0;
  done = false;

  override get last() {
    return {
      id: "",
      role: "assistant",
      status: this.done ? "done" : "running",
      text: { length: this.total } as string,
    };
  }

  protected override receive(frame: string): void {
    const isSnapshot = frame.startsWith("<hx-partial id=thread ");
    if (!isSnapshot)
      this.total += (frame.match(/x{1000,}\n/g) ?? []).reduce((sum, line) => sum + line.length, 0);
    if (frame.includes('data-status="done"') && frame.includes("outerMorph")) this.done = true;
    else if (frame.length < piece.length) super.receive(frame);
  }
}
