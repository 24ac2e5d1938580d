// What the simulated houses ask, and whether what came of it is right: what every page shows equals what the store holds, and that equals what llama-server can
// have said. Used by the simulations.

import { expect } from "bun:test";
import type { House, PageClient } from "../house.ts";
import { rendered } from "../house.ts";
import { recitals, textOf } from "../llama/recitals.ts";
import type { Seeded } from "../seeded.ts";

const texts = ["emoji", "html", "json", "spaces", "story", "german", "twenty", "endless", "think"] as const;

/** A word that is answered by one of these texts. */
export const questionOf = (random: Seeded): string =>
  (recitals[random.pick(texts) as string] as { word: string }).word;

/** The whole of an endless text as far as anybody could have read. */
const endless = (() => {
  const { text } = recitals["endless"] as { text: string };
  return text;
})();

/** Whether `shown` is what llama-server can have said to `question` by then. */
function couldBe(question: string, shown: string, status: string): boolean {
  const [name] = Object.entries(recitals).find(
    ([, { word, given }]) => given === undefined && question.includes(word),
  ) as [string, unknown]; // as the chat template chooses
  if (name === "endless")
    return (
      shown.startsWith(endless.slice(0, shown.length)) || endless.startsWith(shown.slice(0, endless.length))
    );
  return status === "done" ? shown === textOf(name) : textOf(name).startsWith(shown);
}

/** What was asked for the message at `i`: its question, joined with those before it that were never answered. */
function askedAt(texts: readonly string[], i: number): string {
  const questions = [texts[i - 1] as string];
  for (let j = i - 2; j >= 1 && texts[j] === ""; j -= 2) questions.unshift(texts[j - 1] as string);
  return questions.join("\n\n");
}

/** Stops whatever runs or waits; what was asked in chats that nobody has open any more goes on, too. */
export async function stopAll(house: Pick<House, "store" | "url">): Promise<void> {
  for (const { run } of await house.store.unfinishedRuns()) {
    await fetch(`${house.url}/c/${run.conversation}`, {
      method: "POST",
      body: new URLSearchParams({ type: "stop" }),
      redirect: "manual",
    });
  }
}

/** Compares pages, store and recitals; the number of answers that were compared. */
export async function agree(house: Pick<House, "store">, pages: readonly PageClient[]): Promise<number> {
  let answers = 0;
  for (const page of pages) {
    const { thread: stored } = await house.store.thread(page.conversation, { limit: 50 });
    const expected = stored.map(({ message, run }) => ({
      id: message.id,
      role: message.role as string,
      status: run?.status ?? "done",
      text: message.role === "user" ? message.text : rendered(message.text),
    }));
    expect(page.articles()).toEqual(expected);
    stored.forEach(({ message, run }, i) => {
      if (run === null) return;
      answers++;
      const question = askedAt(
        stored.map((each) => each.message.text),
        i,
      );
      expect({
        question,
        answer: message.text,
        status: run.status,
        couldBe: couldBe(question, message.text, run.status),
      }).toMatchObject({ couldBe: true });
    });
  }
  return answers;
}
