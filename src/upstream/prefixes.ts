// What some embedding models expect before a question and before a passage. They say so on their cards and
// nowhere in their files, so the families are known by their names here. Pure.

export interface Prefixes {
  readonly question: string;
  readonly passage: string;
}

const none: Prefixes = { question: "", passage: "" };

const task = "Given a question, retrieve passages that answer it";
const searching = "Represent this sentence for searching relevant passages: ";

/** The first pattern that a model's name matches. */
const families: readonly (readonly [RegExp, Prefixes])[] = [
  [/e5.*instruct|qwen3.*embed/i, { question: `Instruct: ${task}\nQuery: `, passage: "" }],
  [/\be5\b|(^|[-_])e5[-_]/i, { question: "query: ", passage: "passage: " }],
  [/nomic.*embed/i, { question: "search_query: ", passage: "search_document: " }],
  [/embedding-?gemma/i, { question: "task: search result | query: ", passage: "title: none | text: " }],
  [/arctic.*embed.*v2/i, { question: "query: ", passage: "" }],
  [/arctic.*embed|mxbai.*embed|bge-(small|base|large)-en/i, { question: searching, passage: "" }],
];

/** The prefixes of a model; both empty for a family that is not known. */
export const prefixesOf = (model: string): Prefixes =>
  families.find(([name]) => name.test(model))?.[1] ?? none;
