// What a message says to the model: its text, with its files before it. The text of a file is given whole, in
// the order of its pages, between marks that it can't forge. A picture goes to a model that sees pictures.

import type { Message, Role } from "../domain/conversation.ts";
import type { FilePage } from "../domain/file.ts";
import { type FilePart, filesIn } from "../domain/part.ts";
import type { Files } from "../store/files.ts";
import type { Content, ContentPiece } from "../upstream/upstream.ts";

/** A message as the model gets it; empty content is left out. */
export interface Said {
  readonly role: Role;
  readonly text: Content;
}

/** A message with the content of its files. `seesPictures`: false where the model says that it does not. */
export async function saidIn(message: Message, files: Files, seesPictures: boolean): Promise<Said> {
  const { role, text, parts } = message;
  const attached = filesIn(parts);
  if (attached.length === 0) return { role, text };
  const pieces: ContentPiece[] = [];
  for (const part of attached) pieces.push(...(await piecesOf(message, part, files, seesPictures)));
  if (text !== "") pieces.push({ type: "text", text });
  return { role, text: joined(pieces) };
}

/** Contents one after the other. */
export function together(first: Content, second: Content): Content {
  return joined([...listOf(first), ...listOf(second)]);
}

const listOf = (content: Content): readonly ContentPiece[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;

/** Successive texts become one, with an empty line between them; texts alone become a string. */
function joined(pieces: readonly ContentPiece[]): Content {
  const all: ContentPiece[] = [];
  for (const piece of pieces) {
    const last = all.at(-1);
    if (piece.type === "text" && last?.type === "text")
      all[all.length - 1] = { type: "text", text: `${last.text}\n\n${piece.text}` };
    else all.push(piece);
  }
  const [only, second] = all;
  return only?.type === "text" && second === undefined ? only.text : all;
}

/** The text of a file as the model gets it; empty for a file that this message has not. */
export async function textOfFile({ id }: Message, part: FilePart, files: Files): Promise<string> {
  const pages = part.file === null ? null : await files.pagesFor(id, part.file);
  return pages === null ? "" : block(part, textOf(pages)).text;
}

async function piecesOf(
  { id }: Message,
  part: FilePart,
  files: Files,
  seesPictures: boolean,
): Promise<readonly ContentPiece[]> {
  if (part.isSearched) return note(part, searchedNote);
  const pages = part.file === null ? null : await files.pagesFor(id, part.file);
  if (pages === null || part.file === null) return note(part, "The content of this file was not kept.");
  if (part.type !== "picture") return [block(part, textOf(pages))];
  if (!seesPictures) return note(part, "This model does not see pictures.");
  return [
    { type: "text", text: opening(part) },
    await pictureOf(part.file, files),
    { type: "text", text: "</file>" },
  ];
}

const searchedNote =
  "The text of this file does not fit here. Passages of it that match a question stand with the question.";

const note = (part: FilePart, text: string): readonly ContentPiece[] => [block(part, `(${text})`)];

const block = (part: FilePart, inner: string) => ({
  type: "text" as const,
  text: `${opening(part)}\n${inner}\n</file>`,
});

const opening = ({ name, type }: FilePart): string =>
  `<file name="${name.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}" type="${type}">`;

/** The pages in order; a single page has no number. */
function textOf(pages: readonly FilePage[]): string {
  const [only, second] = pages;
  if (only === undefined) return "";
  const said = (text: string) => (text.trim() === "" ? "(no text: a picture, or empty)" : guarded(text));
  if (second === undefined) return said(only.text);
  return pages.map(({ page, text }) => `<page number="${page}">\n${said(text)}\n</page>`).join("\n");
}

/** A text in which no mark of ours begins or ends. */
const guarded = (text: string): string => text.replace(/<(?=\s*\/?\s*(?:file|page)\b)/gi, "&lt;");

async function pictureOf(id: string, files: Files): Promise<ContentPiece> {
  const pieces = await Array.fromAsync(files.content(id));
  const mediaType = (await files.file(id))?.mediaType ?? "image/jpeg";
  // never an address: llama-server would fetch it
  return {
    type: "image_url",
    image_url: { url: `data:${mediaType};base64,${Buffer.concat(pieces).toString("base64")}` },
  };
}
