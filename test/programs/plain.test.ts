// The plain socket's way out. If this fails, a slow program gets an answer whose end is lost in its text.

import { expect, test } from "bun:test";
import type { Chat } from "../../src/chat/chat.ts";
import type { Person } from "../../src/domain/account.ts";
import type { Message } from "../../src/domain/conversation.ts";
import { asFailure } from "../../src/domain/failure.ts";
import type { Parts } from "../../src/domain/part.ts";
import type { Run } from "../../src/domain/run.ts";
import { plainSocketHandler } from "../../src/programs/socket-plain.ts";
import type { Tap } from "../../src/runs/runs.ts";

const ended = { status: "done", failure: null } as Run;
const answer = { parts: [] as Parts } as Message;

/** A door whose client reads only when told to, and a chat that answers when told to. */
function door(outboxMaxBytes = 1000) {
  const sent: string[] = [];
  const state = { pace: 1, closed: 0 };
  const taps: Tap[] = [];
  const chat = {
    say: async (_: unknown, __: unknown, tap: Tap) => void taps.push(tap),
  } as unknown as Chat;
  const socket = {
    send(text: string): number {
      sent.push(text);
      return state.pace;
    },
    close(code: number): void {
      state.closed = code;
    },
  };
  const made = plainSocketHandler(
    "en",
    { person: () => ({}) as Person, requestId: "r" },
    {
      ...{ chat, refuse: asFailure, bug: () => {}, outboxMaxBytes },
      ...{ forgetting: { forget: async () => {} }, runs: { join: () => () => {} } },
    },
  );
  made.open(socket);
  return { made, socket, sent, state, taps };
}

test("text that waits is joined, closing words stay frames of their own, whatever the text says", async () => {
  const { made, socket, sent, state, taps } = door();
  await made.message(socket, "one");
  state.pace = -1;
  for (const piece of ["a", "b", "[DONE]", "c"]) taps[0]?.part("text", piece);
  taps[0]?.ended(ended, answer);
  await made.message(socket, "two");
  taps[1]?.part("text", "[ERROR] is");
  taps[1]?.part("text", " a word");
  taps[1]?.ended(ended, answer);
  expect(sent).toEqual(["a"]);
  state.pace = 1;
  made.drain();
  expect(sent).toEqual(["a", "b[DONE]c", "[DONE]", "[", "ERROR] is a word", "[DONE]"]);
});

test("a piece of text that is a closing word goes in two frames, so that nobody takes it for one", async () => {
  const { made, socket, sent, taps } = door();
  await made.message(socket, "one");
  for (const piece of ["true", "[DONE]", "[ERROR] no", "[DONE] and more"]) taps[0]?.part("text", piece);
  taps[0]?.ended(ended, answer);
  expect(sent).toEqual(["true", "[", "DONE]", "[", "ERROR] no", "[DONE] and more", "[DONE]"]);
});

test("a client that does not read at all is dropped at the bound, and costs nothing more", async () => {
  const { made, socket, sent, state, taps } = door(100);
  await made.message(socket, "one");
  state.pace = -1;
  for (let i = 0; i < 100; i++) taps[0]?.part("text", "0123456789");
  expect([sent.length, state.closed]).toEqual([1, 1013]);
  made.drain();
  expect(sent.length).toBe(1);
});
