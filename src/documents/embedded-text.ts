// The text of a passage as models that embed or rank read it. Pure.

import { basename } from "node:path";
import type { Passage } from "../domain/document.ts";

export interface TitledPassage extends Pick<Passage, "headings" | "text"> {
  readonly path: string;
  readonly title: string | null;
}

/** Name of the document and the headings above a passage, where it does not begin with them. */
export function contextOf({ path, title, headings, text }: TitledPassage): readonly string[] {
  const name = title ?? basename(path).replace(/\.\w+$/, "");
  // a passage that begins with its heading has it in its own text
  return [name, ...headings.filter((heading) => !text.slice(0, 400).includes(heading))];
}

/** The passage below what stands above it. */
export const embeddedText = (passage: TitledPassage): string =>
  [...contextOf(passage), passage.text].join("\n");
