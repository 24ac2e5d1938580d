// What the page shows of the check: marks around sentences, numbers that parlor adds, and a text that is the same
// whichever way it arrives. If this fails, a mark stands at the wrong sentence, or the text jumps while it is written.

import { describe, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { Check } from "../../../src/domain/grounding.ts";
import type { SourcePart } from "../../../src/domain/part.ts";
import { groundingOf } from "../../../views/answer.tsx";
import type { Citations } from "../../../views/markdown/citations.ts";
import { drawAhead, markdownHtml, markdownOf } from "../../../views/markdown/html.ts";
import { inWords } from "../../../views/markdown/marks.ts";
import { MarkdownStream } from "../../../views/markdown/stream.ts";
import { Work } from "../../../views/markdown/work.ts";
import { wordsOf } from "../../../views/words.ts";
import { seeded } from "../../seeded.ts";
import { parsed, TextOnPage } from "./page.ts";

const source = (n: number, text: string) => ({
  ...({ kind: "source", n, passage: `${n}`, document: "d.md", page: 1, headings: [], text } as const),
});
const sources = [
  source(1, "Der Vertrag endet nach einer Frist von drei Monaten."),
  source(2, "Die Miete kostet 840 Euro im Monat & ist am 3. Werktag fällig."),
  source(12, "Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind."),
];
const citations: Citations = {
  path: "/c/x/source/",
  numbers: new Set(sources.map(({ n }) => n)),
  check: new Check(sources),
};
const unchecked: Citations = { path: citations.path, numbers: citations.numbers };
const htmlOf = (text: string, how = citations) => markdownHtml(text, undefined, undefined, how);

/** HTML in which marks are easy to read: {no [2]: sentence}, {own: sentence}, +2 for a number of parlor. */
const brief = (html: string) =>
  inWords(html, wordsOf("en"))
    .replace(/<a class="cite"[^>]*data-by="parlor"[^>]*>\[(\d+)\]<\/a>/g, "+$1")
    .replace(/<a class="cite"[^>]*>(\[\d+\])<\/a>/g, "$1")
    .replace(/<span data-grounding="unsupported" data-says="not found in ([^"]*)">/g, "{no $1: ")
    .replace(/<span data-grounding="unsourced" data-says="without a source">/g, "{own: ")
    .replace(/<span data-grounding="\w+">/g, "{")
    .replaceAll("</span>", "}")
    .replace(/<\/?(?:p|ul|li|ol)(?: dir="auto")?>|\n/g, "");

describe("a sentence that is not in its source is marked", () => {
  const cases: [text: string, shown: string][] = [
    ["Die Miete kostet 840 Euro [2].", "Die Miete kostet 840 Euro [2]."],
    [
      "Die Miete kostet 950 Euro [2]. Der Vertrag endet nach einer Frist [1].",
      "{no [2]: Die Miete kostet 950 Euro [2].} Der Vertrag endet nach einer Frist [1].",
    ],
    ["Die Miete kostet 950 Euro. [1][2] Gern!", "{no [1], [2]: Die Miete kostet 950 Euro. [1][2]} Gern!"],
    ["Die Kaution wird verzinst [9]. Hast du Fragen?", "{own: Die Kaution wird verzinst.} Hast du Fragen?"],
    ["Die Miete kostet 840 Euro im Monat. Gern!", "Die Miete kostet 840 Euro im Monat. +2 Gern!"],
    ["Die Miete kostet 840 Euro im Monat", "Die Miete kostet 840 Euro im Monat +2"],
    ["Da steht: „Katzen sind willkommen“ [12].", "{no [12]: Da steht: „Katzen sind willkommen“ [12].}"],
    [
      "**Die Miete kostet 950 Euro.** [2] Gern!",
      "{no [2]: <strong>Die Miete kostet 950 Euro.</strong> [2]} Gern!",
    ],
    [
      "Da *kostet die Miete 950 Euro [2]*. Gern!",
      "{no [2]: Da <em>kostet die Miete 950 Euro [2]</em>.} Gern!",
    ],
    [
      "Altes **Haus. Die Miete kostet 950 Euro [2].** Ja",
      "{Altes }<strong>{own: Haus.} {no [2]: Die Miete kostet 950 Euro [2].}</strong> Ja",
    ],
    [
      "- Die Miete kostet 950 Euro [2]\n- Die Miete kostet 840 Euro [2]",
      "{no [2]: Die Miete kostet 950 Euro [2]}Die Miete kostet 840 Euro [2]",
    ],
    [
      "[Die Miete kostet 840 Euro im Monat.](https://e.org) Und",
      expect.not.stringContaining("+2") as unknown as string,
    ],
  ];
  for (const [text, shown] of cases) test(text, () => expect(brief(htmlOf(text))).toEqual(shown));

  test("a row of a table is one sentence; headings, code and formulas are none", () => {
    const { document } = parseHTML(
      `<body>${htmlOf("| Was | Wie viel |\n|--|--|\n| Miete | 840 Euro [2] |\n| Miete | 950 Euro [2] |")}</body>`,
    );
    expect([...document.querySelectorAll("tr")].map((row) => row.getAttribute("data-grounding"))).toEqual([
      null,
      null,
      "unsupported",
    ]);
    expect(document.querySelectorAll("td[data-says]")).toHaveLength(1);
    for (const text of [
      "# Die Miete kostet 950 Euro",
      "```\nDie Miete kostet 950 Euro.\n```",
      "**Die Miete und 950 Euro**",
      "- **Die Miete und 950 Euro:**",
      "`Die Miete kostet 950 Euro.`",
      "$$\nMiete = 950\n$$",
    ])
      expect(htmlOf(text)).toBe(htmlOf(text, unchecked));
  });

  test("strict marks strongly; an answer that is not checked has no marks", () => {
    const text = "Die Miete kostet 950 Euro [2].";
    expect(htmlOf(text, { ...citations, isStrict: true })).toContain(
      `data-grounding="unsupported" class="strict"`,
    );
    expect(htmlOf(text, unchecked)).not.toContain("data-grounding");
  });
});

test("the tally counts what claims something, and is the same for everybody", async () => {
  const text =
    "Gern! Die Miete kostet 840 Euro [2]. Die Miete kostet 950 Euro [2]. Der Vertrag endet nach einer Frist " +
    "von drei Monaten. Das ist fast überall so.\n\n# Mehr dazu\n\n- Ein Hund darf gehalten werden [12]\n- Noch Fragen?";
  const tally = (parts: readonly SourcePart[]) => groundingOf({ text, parts, conversation: "tally" });
  expect(await tally(sources)).toEqual({ sentences: 5, supported: 3 });
  expect(await tally([])).toEqual({ sentences: 0, supported: 0 });
  expect(await tally(sources.map((each) => ({ ...each, grounding: "off" as const })))).toEqual({
    sentences: 0,
    supported: 0,
  });
});

test("words of parlor are no text of the answer: it can be copied as the model wrote it", () => {
  const text = "Die Miete kostet 950 Euro [2]. Die Kaution wird hoch verzinst.";
  const { document } = parseHTML(
    `<!doctype html><html><body>${inWords(htmlOf(text), wordsOf("de"))}</body></html>`,
  );
  expect(document.body.textContent?.trim()).toBe(text);
  expect([...document.querySelectorAll("[data-says]")].map((each) => each.getAttribute("data-says"))).toEqual(
    ["nicht gefunden in [2]", "ohne Quelle"],
  );
});

const sentences = [
  ...[
    "Die Miete kostet 840 Euro [2].",
    "Die Miete kostet 950 Euro. [2]",
    "Die Kaution wird verzinst.",
    "Gern!",
  ],
  ...[
    "Der Vertrag endet nach einer Frist von drei Monaten.",
    "„Katzen. Und Hunde“ sind da [12].",
    "z. B. am 3. März",
  ],
  ...["**Fett.", "Rest** davon", "*kursiv* ist [1]", "[9]", "`code.` ist", "A & B <x> 'y' \"z\" sind dort."],
];
const joints = [
  " ",
  " ",
  " ",
  "\n",
  "\n\n",
  "\n- ",
  "\n> ",
  "\n| a | b |\n|--|--|\n| c | ",
  "",
  "\n```\n",
  "\n# ",
];

test("200 random texts, cut at random, end as they would at once; marks and tags are paired", () => {
  for (let seed = 0; seed < 200; seed++) {
    const { pick, below } = seeded(seed);
    const text = Array.from({ length: 1 + below(14) }, () => `${pick(sentences)}${pick(joints)}`).join("");
    const stream = new MarkdownStream("", () => 0, citations);
    const page = new TextOnPage(stream.html);
    for (let i = 0; i < text.length; ) {
      const size = 1 + below(9);
      page.apply(stream.push(text.slice(i, i + size)));
      expect({ seed, page: parsed(page.html) }).toEqual({ seed, page: parsed(stream.html) });
      i += size;
    }
    page.apply(stream.end(text));
    const whole = htmlOf(text);
    expect({ seed, page: parsed(page.settled) }).toEqual({ seed, page: parsed(whole) });
    // nothing but marks and added numbers distinguishes it from the answer without a check
    const bare = whole
      .replace(/ <a class="cite"[^>]*data-by="parlor"[^>]*>\[\d+\]<\/a>/g, "")
      .replace(/<span(?: data-grounding[^>]*)?>|<\/span>| data-(?:grounding|says)="[^"]*"/g, "");
    expect({ seed, bare }).toEqual({ seed, bare: htmlOf(text, unchecked).replace(/<span>|<\/span>/g, "") });
  }
}, 60_000);

test("a mark appears when its sentence has ended, not after the answer; the text is sent again once for each at most", () => {
  const text =
    "Die Miete kostet 840 Euro im Monat. Die Miete kostet 950 Euro [2]. Und dann folgt noch vieles mehr, das lang ist, " +
    "und immer weiter geht. Der Vertrag endet nach einer Frist von drei Monaten [1]. Ende.";
  for (let cut = 1; cut < 9; cut++) {
    const stream = new MarkdownStream("", () => 0, citations);
    let resent = 0;
    let markedAt = 0;
    for (let i = 0; i < text.length; i += cut) {
      const changes = stream.push(text.slice(i, i + cut));
      if (i > 0) resent += changes.filter(({ kind }) => kind === "open").length;
      if (markedAt === 0 && stream.html.includes("unsupported")) markedAt = i;
    }
    expect(markedAt).toBeGreaterThan(text.indexOf("[2]"));
    expect(markedAt).toBeLessThan(text.indexOf("Und dann") + 2 * cut);
    expect(resent).toBeLessThanOrEqual(3);
    expect(stream.end(text).map(({ kind }) => kind)).not.toContain("replace");
  }
});

test("where nothing is marked the page only grows, also where parlor adds a number", () => {
  const text =
    "Die Miete kostet 840 Euro im Monat. Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind. " +
    "Der Vertrag endet nach einer Frist von drei Monaten [1]. Gern! Am 3. Werktag ist sie fällig. Und die Frist [1]";
  for (let cut = 1; cut < 9; cut++) {
    const stream = new MarkdownStream("", () => 0, citations);
    const kinds: string[] = [];
    for (let i = 0; i < text.length; i += cut)
      kinds.push(...stream.push(text.slice(i, i + cut)).map(({ kind }) => kind));
    const first = kinds.indexOf("open");
    expect({ cut, later: kinds.slice(first + 1).filter((kind) => kind !== "grow") }).toEqual({
      cut,
      later: [],
    });
    expect(stream.html.match(/data-by="parlor"/g)).toHaveLength(3);
  }
});

test("many sentences are checked in several turns, to the last; one turn leaves the rest unmarked", async () => {
  const text = Array.from({ length: 1_500 }, (_, i) => `Die Miete kostet ${1_000 + i} Euro [2].`).join(" ");
  const marked = (html: string) => html.match(/data-grounding="unsupported"/g)?.length ?? 0;
  const fresh = { ...citations, path: "/c/turns/source/", check: new Check(sources) };
  expect(marked(markdownHtml(text, undefined, new Work(0), fresh))).toBe(0);
  const once = marked(markdownHtml(text, undefined, new Work(), fresh));
  expect(once).toBeGreaterThan(100);
  expect(once).toBeLessThan(1_500);
  expect(await drawAhead([{ text, citations: fresh }])).toBe(true);
  expect(marked(markdownOf({ text, citations: fresh }))).toBe(1_500);
});

test("without a check nothing is looked at, and 128 000 characters of sentences are checked in bounded time", async () => {
  const text = "Die Miete kostet 950 Euro [2]. Der Vertrag endet nach einer Frist. ".repeat(1_900);
  const startedAt = performance.now();
  expect((await groundingOf({ text, parts: sources, conversation: "long" })).sentences).toBe(3_800);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
