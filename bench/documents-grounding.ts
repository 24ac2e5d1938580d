// What the check of answers finds and misses. A question of XQuAD (bench/xquad.ts) with its answer stands in for a
// sentence, the passages that are found for the question for its sources: one is the right one, most others are
// of the same article. Fails below the floors.
// Run: bun bench/documents-grounding.ts FOLDER.

import { passagesOf } from "../src/documents/passages.ts";
import { searchPassages } from "../src/documents/search.ts";
import { passageTerms } from "../src/documents/words.ts";
import type { IndexedPassage } from "../src/domain/document.ts";
import { Check } from "../src/domain/grounding.ts";
import type { SourcePart } from "../src/domain/part.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import { putDocument } from "../test/documents/put.ts";
import { median, quantile, table, writeText } from "./report.ts";
import { articlesOf } from "./xquad.ts";

/** Least and most shares; the time of one sentence in ms. */
const floors = {
  right: 0.92,
  neighbour: 0.07,
  other: 0.02,
  number: 0.85,
  quotation: 0.98,
  wrong: 0.02,
  ms: 1,
};
const sourcesMax = 8;
/** Words of a quotation. */
const quotedWords = 8;

interface Claim {
  readonly sentence: string;
  /** The sentence with the last digit of its answer raised by one; null: the answer has no digit. */
  readonly offByOne: string | null;
  readonly paragraph: string;
  readonly article: string;
  readonly sources: readonly SourcePart[];
}

function* indexed(text: string): Generator<IndexedPassage> {
  for (const passage of passagesOf([{ page: 1, text }], false))
    yield { ...passage, ...passageTerms("", passage.text) };
}

const articleOf = (paragraph: string): string => paragraph.split(".")[0] as string;

async function claimsOf(folder: string, language: "de" | "en"): Promise<readonly Claim[]> {
  const store = openSqlite(":memory:");
  const { id } = await store.collections.add(null, "bench", null);
  const articles = await articlesOf(folder, language);
  for (const [a, { paragraphs }] of articles.entries())
    for (const [i, { context }] of paragraphs.entries())
      await putDocument(store, id, { path: `${a}.${i}`, hash: "" }, indexed(context));
  const claims: Claim[] = [];
  for (const [a, { paragraphs }] of articles.entries())
    for (const [i, { qas }] of paragraphs.entries())
      for (const { question, answers } of qas) {
        const answer = answers[0]?.text ?? "";
        const said = `${question.replace(/\s*\?\s*$/, "")} `;
        const wrong = answer.replace(/\d(?!.*\d)/s, (digit) => `${(Number(digit) + 1) % 10}`);
        const hits = await searchPassages(store.collections, question, {
          collections: [id],
          limit: sourcesMax,
        });
        claims.push({
          sentence: `${said}${answer}.`,
          offByOne: wrong === answer ? null : `${said}${wrong}.`,
          paragraph: `${a}.${i}`,
          article: `${a}`,
          sources: hits.map(({ path, page, headings, text }, at) => ({
            ...{ kind: "source", n: at + 1, passage: path, document: "d.txt", page, headings, text },
          })),
        });
      }
  await store.close();
  return claims;
}

/** A quotation of a passage, and the same with another word in it. */
function quotationsOf(text: string): readonly [right: string, wrong: string] | null {
  const words = text.split(/\s+/).filter((word) => !/["„“”»«]/.test(word));
  const at = Math.floor(words.length / 3);
  const quoted = words.slice(at, at + quotedWords);
  if (quoted.length < quotedWords || !text.replace(/\s+/g, " ").includes(quoted.join(" "))) return null;
  const last = quoted.length - 1;
  return [quoted.join(" "), quoted.with(last - 1, quoted[last] as string).join(" ")];
}

const share = (list: readonly boolean[]): number => list.filter(Boolean).length / list.length;

function measure(claims: readonly Claim[], language: "de" | "en") {
  const quoting = (text: string) =>
    language === "de" ? `Dort steht: „${text}“.` : `There it says: “${text}”.`;
  const found = {
    ...{
      right: [] as boolean[],
      neighbour: [] as boolean[],
      other: [] as boolean[],
      number: [] as boolean[],
    },
    ...{ quotation: [] as boolean[], misquotation: [] as boolean[] },
    ...{ given: [] as boolean[], wrong: [] as boolean[], invented: [] as boolean[] },
  };
  const times: number[] = [];
  for (const { sentence, offByOne, paragraph, article, sources } of claims) {
    if (sources.length === 0) continue;
    const check = new Check(sources);
    const isSupported = (text: string, n: number) => check.of(text, [n]).kind === "supported";
    check.of("The passages are made ready by the first sentence.", [1]);
    const startedAt = performance.now();
    const verdict = check.of(sentence, []);
    times.push(performance.now() - startedAt);
    const by = verdict.kind === "supported" ? verdict.by : null;
    found.given.push(by !== null);
    if (by !== null) found.wrong.push(sources[by - 1]?.passage !== paragraph);
    for (const { n, passage, text } of sources) {
      const isRight = isSupported(sentence, n);
      if (passage === paragraph) {
        found.right.push(isRight);
        if (isRight && offByOne !== null) found.number.push(!isSupported(offByOne, n));
        const [quoted, altered] = quotationsOf(text) ?? [];
        if (quoted !== undefined) found.quotation.push(isSupported(quoting(quoted), n));
        if (altered !== undefined) found.misquotation.push(!isSupported(quoting(altered), n));
      } else (articleOf(passage) === article ? found.neighbour : found.other).push(isRight);
    }
    const others = sources.filter(({ passage }) => passage !== paragraph);
    const without = new Check(others).of(sentence, []);
    found.invented.push(without.kind === "supported" && without.by !== null);
  }
  const shares = Object.fromEntries(
    Object.entries(found).map(([name, list]) => [name, share(list)] as const),
  ) as Record<keyof typeof found, number>;
  return { shares, p50: median(times), p99: quantile(times, 0.99) };
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder with XQuAD");
const cited = table("**Sentences that cite a passage** (share that passes, share that is caught)", [
  ...["language", "right passage", "neighbour", "other article", "number off by one caught"],
  ...["quotation found", "altered quotation caught"],
]);
const lines: (string | number)[][] = [];
const missed: string[] = [];
for (const language of ["de", "en"] as const) {
  const { shares, p50, p99 } = measure(await claimsOf(folder, language), language);
  const { right, neighbour, other, number, quotation, misquotation, given, wrong, invented } = shares;
  const shown = (values: readonly number[]) => values.map((value) => value.toFixed(3));
  cited.row(language, ...shown([right, neighbour, other, number, quotation, misquotation]));
  lines.push([language, ...shown([given, wrong, invented, p50, p99])]);
  const misses: Record<string, boolean> = {
    [`right passages pass: ${right}`]: right < floors.right,
    [`neighbours pass: ${neighbour}`]: neighbour > floors.neighbour,
    [`other articles pass: ${other}`]: other > floors.other,
    [`numbers are caught: ${number}`]: number < floors.number,
    [`quotations: ${quotation}, ${misquotation}`]: Math.min(quotation, misquotation) < floors.quotation,
    [`added numbers are wrong: ${wrong}`]: wrong > floors.wrong,
    [`a sentence takes ${p50} ms`]: p50 > floors.ms,
  };
  for (const [miss, isMissed] of Object.entries(misses)) if (isMissed) missed.push(`${language}: ${miss}`);
}
const added = table("**Sentences without a number**", [
  ...["language", "get one", "of these wrong", "get one although the right passage is missing"],
  ...["ms a sentence, p50", "p99"],
]);
for (const line of lines) added.row(...line);
await writeText("documents-grounding", `${cited.text}\n\n${added.text}`);
if (missed.length > 0) throw new Error(missed.join("; "));
