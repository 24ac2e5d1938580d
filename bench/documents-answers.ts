// Which questions parlor answers from documents, and which it refuses because the documents have nothing: questions
// of XQuAD (bench/xquad.ts) to their own article, to another one, and to all others. Also what a question loses when
// an unrelated one was asked before it. Fails below the floors.
// Run: bun bench/documents-answers.ts FOLDER.

import { passagesOf } from "../src/documents/passages.ts";
import { passageFinder } from "../src/documents/search.ts";
import { passageTerms } from "../src/documents/words.ts";
import type { IndexedPassage, PassageHit } from "../src/domain/document.ts";
import type { CollectionId } from "../src/domain/id.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import { putDocument } from "../test/documents/put.ts";
import { table, writeText } from "./report.ts";
import { articlesOf } from "./xquad.ts";

/** Least share of real questions that are answered, and most of those to another article. */
const [answeredLeast, strayMost] = [0.96, 0.05];
/** Places of another article, and of an unrelated question. */
const [otherArticle, otherQuestion] = [7, 400];

function* indexed(text: string): Generator<IndexedPassage> {
  for (const passage of passagesOf([{ page: 1, text }], false))
    yield { ...passage, ...passageTerms("", passage.text) };
}

const share = (list: readonly boolean[]): number => list.filter(Boolean).length / list.length;

/** Measures one language. */
async function measure(folder: string, language: "de" | "en") {
  const store = openSqlite(":memory:");
  const articles = await articlesOf(folder, language);
  const ids: CollectionId[] = [];
  for (const [a, { paragraphs }] of articles.entries()) {
    const { id } = await store.collections.add(null, `${a}`, null);
    ids.push(id);
    for (const [i, { context }] of paragraphs.entries())
      await putDocument(store, id, { path: `${a}.${i}`, hash: "" }, indexed(context));
  }
  const find = passageFinder(store.collections);
  const questions = articles.flatMap(({ paragraphs }, a) =>
    paragraphs.flatMap(({ qas }, i) => qas.map(({ question }) => ({ question, a, path: `${a}.${i}` }))),
  );
  const first = (hits: readonly PassageHit[], path: string) => hits[0]?.path === path;
  const [own, other, others, alone, after]: boolean[][] = [[], [], [], [], []];
  for (const [i, { question, a, path }] of questions.entries()) {
    const isAnswered = async (collections: readonly CollectionId[]) =>
      (await find([question], { collections, limit: 8 })).isAnswerable;
    own?.push(await isAnswered([ids[a] as string]));
    other?.push(await isAnswered([ids[(a + otherArticle) % ids.length] as string]));
    others?.push(await isAnswered(ids.toSpliced(a, 1)));
    const range = { collections: ids, limit: 8 };
    const before = questions[(i + otherQuestion) % questions.length]?.question as string;
    alone?.push(first((await find([question], range)).hits, path));
    after?.push(first((await find([before, question], range)).hits, path));
  }
  await store.close();
  return [own, other, others, alone, after].map((list) => share(list ?? []));
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder with XQuAD");
const answers = table("**Which questions are answered** (XQuAD, 48 articles of five paragraphs)", [
  "language",
  "of its own article",
  "of another article",
  "of all 47 other articles",
  "right paragraph first, asked alone",
  "after an unrelated question",
]);
const missed: string[] = [];
for (const language of ["de", "en"] as const) {
  const measured = await measure(folder, language);
  const [own = 0, other = 1, , alone = 1, after = 0] = measured;
  answers.row(language, ...measured.map((each) => each.toFixed(3)));
  if (own < answeredLeast) missed.push(`${language}: ${own} of the real questions are answered`);
  if (other > strayMost)
    missed.push(`${language}: ${other} of the questions to another article are answered`);
  if (alone - after > 0.005) missed.push(`${language}: an unrelated question before costs ${alone - after}`);
}
await writeText("documents-answers", answers.text);
if (missed.length > 0) throw new Error(missed.join("; "));
