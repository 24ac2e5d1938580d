// The second opinion on answers from documents, with a real llama-server that reranks: what is found by its sense, what is
// not, and that nothing happens without it. If this fails, a model acquits an invented fact. Promises: R9.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { type House, PageClient, readable } from "../house.ts";
import { freePort, type Llama, startLlama, until } from "../llama/server.ts";
import { answerTo, documentFolder, houseWith } from "./asking.ts";

const documents = documentFolder({ "stall.txt": "Das Auto und das Fahrrad sind im Gebäude." });
const question = "Was gilt sinngemäß für Auto, Fahrrad, Gebäude?";
const servers: Llama[] = [];
let llama: Llama;
beforeAll(async () => {
  llama = await startLlama();
  servers.push(llama);
});
afterAll(async () => {
  for (const server of servers) await server.stop();
});

const withHouse = async (
  rerank: string | undefined,
  use: (house: House, page: PageClient) => Promise<void>,
) => {
  const house = await houseWith(documents, { llama: llama.url, ...(rerank && { rerank }) });
  try {
    await use(house, await new PageClient(house).ready());
  } finally {
    await house.stop();
  }
};
const marksOf = (article: Element | undefined) =>
  [...(article?.querySelectorAll("[data-says]") ?? [])].map((each) => [
    each.getAttribute("data-grounding"),
    each.getAttribute("data-says"),
    readable(each),
  ]);
const lineOf = (article: Element | undefined) => readable(article?.querySelector("p.grounding") ?? undefined);
const wrongNumber = ["unsupported", "not found in [1]", "Der PKW und das Rad kosten 99 Euro [1]."];
const unrelated = ["unsupported", "not found in [1]", "Der Doktor hat Urlaub und Strom [1]."];
const byWords = [
  ["unsupported", "not found in [1]", "Der PKW und das Rad sind im Haus [1]."],
  wrongNumber,
  unrelated,
  ["unsourced", "without a source", "Fahrzeug und Rad sind im Haus."],
];

test("a paraphrase is found by its sense; a wrong number and another subject are not", async () => {
  const judge = await startLlama({ model: "judge" });
  servers.push(judge);
  await withHouse(judge.url, async (house, page) => {
    await answerTo(page, question);
    const shown = () => [...page.document.querySelectorAll("article")].at(-1) as Element | undefined;
    await until(() => lineOf(shown()).includes("by sense"), "the opinion is shown");
    const marks = [
      [null, "by sense in [1]", "Der PKW und das Rad sind im Haus [1]."],
      wrongNumber,
      unrelated,
      [null, "by sense in [1]", "Fahrzeug und Rad sind im Haus."],
    ];
    expect(marksOf(shown())).toEqual(marks);
    expect(lineOf(shown())).toBe("2 of 4 sentences found in their sources, 2 of them by sense");
    const headers = { "accept-language": "de" };
    const { document } = parseHTML(
      await (await fetch(`${house.url}/c/${page.conversation}`, { headers })).text(),
    );
    const stored = document.querySelector('article[data-role="assistant"]') as unknown as Element;
    expect(lineOf(stored)).toBe("2 von 4 Sätzen in ihren Quellen gefunden, davon 2 sinngemäß");
    expect(marksOf(stored)[0]?.[1]).toBe("sinngemäß in [1]");
  });
});

for (const [name, rerank] of [
  ["no reranker", undefined],
  ["a reranker that is away", `http://127.0.0.1:${freePort()}`],
] as const)
  test(`${name}: the marks stay`, async () => {
    await withHouse(rerank, async (_, page) => {
      await answerTo(page, question);
      // the next answer ends later than an opinion that could be asked for
      const next = await answerTo(page, question);
      const first = page.document.querySelectorAll("article")[1];
      for (const article of [first, next]) {
        expect(marksOf(article)).toEqual(byWords);
        expect(lineOf(article)).toBe("0 of 4 sentences found in their sources");
      }
    });
  });
