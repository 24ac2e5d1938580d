// XQuAD (github.com/google-deepmind/xquad: xquad.de.json, xquad.en.json): articles, their paragraphs, and questions
// that each have their answer in one paragraph. It is not shipped.

import { existsSync } from "node:fs";
import { join } from "node:path";

interface Article {
  readonly paragraphs: readonly {
    readonly context: string;
    readonly qas: readonly {
      readonly question: string;
      readonly answers: readonly { readonly text: string }[];
    }[];
  }[];
}

export async function articlesOf(folder: string, language: "de" | "en"): Promise<readonly Article[]> {
  const file = join(folder, `xquad.${language}.json`);
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  return ((await Bun.file(file).json()) as { data: readonly Article[] }).data;
}
