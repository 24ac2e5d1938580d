// Thoughts between a model's own marks: folded at the very start of an answer, text elsewhere. If this fails,
// somebody reads a model's notes as its answer, or an answer is folded away.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Thoughts } from "../../src/runs/thoughts.ts";
import { type House, PageClient, PlainClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { threadMs } from "../processor.ts";
import { seeded } from "../seeded.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

interface Heard {
  text: string;
  reasoning: string;
}

/** What is told of an answer that comes in pieces of `size` characters, or cut at random. */
function heard(
  answer: string,
  size: number | (() => number),
  { isWhole = true, isStart = true } = {},
): Heard {
  const told: Heard = { text: "", reasoning: "" };
  const thoughts = new Thoughts(isStart, (kind, piece) => {
    told[kind === "text" ? "text" : "reasoning"] += piece;
  });
  for (let i = 0; i < answer.length; ) {
    const chars = typeof size === "number" ? size : size();
    thoughts.add(answer.slice(i, i + chars));
    i += chars;
  }
  const unended = thoughts.end(isWhole);
  return unended === null ? told : { text: unended, reasoning: "" };
}

const cases: Readonly<Record<string, readonly [answer: string, reasoning: string, text: string]>> = {
  "<think>": ["<think>\nHm, 2.\n\nYes.\n</think>\n\nIt is 4.", "Hm, 2.\n\nYes.", "It is 4."],
  "<thinking>": ["\n<thinking>a < b</thinking>c", "a < b", "c"],
  "Kimi's": ["◁think▷a◁/think▷b", "a", "b"],
  "Magistral's": ["[THINK]a [1][/THINK]b", "a [1]", "b"],
  "Seed's": ["<seed:think>a</seed:think>b", "a", "b"],
  "Command's": ["<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>b", "a", "b"],
  "gpt-oss's": [
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b",
    "a",
    "b",
  ],
  "Sky's": ["<|begin_of_thought|>\n\na\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nb", "a", "b"],
  "thoughts that hold other marks": [
    "<think>a </thinking> <think> b</think>c",
    "a </thinking> <think> b",
    "c",
  ],
  "no thoughts at all": ["<think>\n\n</think>\n\nb", "", "b"],
  "marks in the middle": ["Use `<think>` and </think>.", "", "Use `<think>` and </think>."],
  "marks in code": ["```xml\n<think>a</think>\n```", "", "```xml\n<think>a</think>\n```"],
  "something like a mark": ["<thinker>a</thinker>", "", "<thinker>a</thinker>"],
  "the beginning of a mark": ["<thin", "", "<thin"],
  "a mark without an end": [
    "<think> is a tag that\nmodels write.",
    "",
    "<think> is a tag that\nmodels write.",
  ],
  "space before an answer": ["\n\n a", "", "\n\n a"],
};

describe("at the very start of an answer, however it is cut", () => {
  for (const [name, [answer, reasoning, text]] of Object.entries(cases))
    test(name, () => {
      for (const size of [1, 2, 3, 7, 1000])
        expect({ size, ...heard(answer, size) }).toEqual({ size, text, reasoning });
      for (let seed = 0; seed < 20; seed++) {
        const { below } = seeded(seed);
        expect(heard(answer, () => 1 + below(9))).toEqual({ text, reasoning });
      }
    });
});

test("thoughts that were cut off stay thoughts, and no text is lost", () => {
  expect(heard("<think>a\n\nb </thi", 1, { isWhole: false })).toEqual({
    text: "",
    reasoning: "a\n\nb </thi",
  });
  expect(heard("<think>a</think>", 1, { isWhole: false })).toEqual({ text: "", reasoning: "a" });
});

test("in a continued answer a mark is text", () => {
  expect(heard("<think>a</think>b", 3, { isStart: false })).toEqual({
    text: "<think>a</think>b",
    reasoning: "",
  });
});

test("a megabyte of nearly a mark is read in linear time", () => {
  const answer = `<think>${"</thin ".repeat(150_000)}${" ".repeat(50_000)}</think>b`;
  const from = threadMs();
  expect(heard(answer, 100).text).toBe("b");
  expect(threadMs() - from).toBeLessThan(2_000);
});

describe("on the page and for programs", () => {
  let upstream: Scripted;
  let house: House;
  beforeAll(async () => {
    upstream = startScripted();
    house = await startHouse({ llama: upstream.url, bounds: { stopMs: 300 } });
    await until(() => house.upstream.state.status === "ready", "the house sees the scripted upstream");
  });
  afterAll(async () => {
    await house.stop();
    upstream.stop();
  });
  const says = (answer: string) => {
    upstream.script = (exchange) => {
      exchange.begin();
      for (const piece of answer.match(/.{1,4}/gs) ?? []) exchange.delta(piece);
      exchange.finish();
    };
  };

  test("thoughts are folded, the answer is text; a program gets the answer alone", async () => {
    says("◁think▷Two and two.◁/think▷\nIt is **4**.");
    const page = await new PageClient(house).ready();
    page.say("2 + 2?");
    expect((await page.lastIs("done")).text).toBe("It is 4.");
    expect(page.document.querySelector("details.reasoning .thought")?.textContent).toBe("Two and two.");
    page.close();
    const program = await new PlainClient(house).opened();
    expect((await program.ask("2 + 2?")).text).toBe("It is **4**.");
    program.close();
  });

  test("a mark without an end is part of the answer, which is complete", async () => {
    says("<thinking> is a tag.");
    const page = await new PageClient(house).ready();
    page.say("What is it?");
    expect((await page.lastIs("done")).text).toBe("<thinking> is a tag.");
    expect(page.document.querySelector("details.reasoning")).toBeNull();
    page.close();
    const program = await new PlainClient(house).opened();
    expect((await program.ask("What is it?")).text).toBe("<thinking> is a tag.");
    program.close();
  });
});
