// What a message says to the model: its text, with its files before it. The text of a file is given whole, in
// the order of its pages, between marks that it can't forge. A picture goes to a model that sees pictures.

import type { Message, Role } from "../domain/conversation.ts";
import type { FilePage } from "../domain/file.ts";
import { type FilePart, filesIn } from "../domain/part.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Files } from "../store/files.ts";
import type { Content, ContentPiece } from "../upstream/upstream.ts";

/** A message as the model gets it; empty content is left out. */
export interface Said {
  readonly role: Role;
  readonly text: Content;
}

/** What a model takes besides text. */
interface Senses {
  readonly sees: boolean;
  readonly hears: boolean;
  /** Pages of a scan that it gets as pictures. */
  readonly pagesMax: number;
}

/** Share of the context that the pages of a scan may take, and tokens of a picture: what large models take. */
const scanShare = 0.4;
const pictureTokens = 2_500;
const scanPagesMax = 8;

/** The senses of a model. What is not known is not there. */
export const sensesOf = ({
  vision,
  hearing,
  contextTokens,
}: Pick<UpstreamState, "vision" | "hearing" | "contextTokens">): Senses => ({
  sees: vision === true,
  hears: hearing === true,
  pagesMax: Math.min(scanPagesMax, Math.floor(((contextTokens ?? 0) * scanShare) / pictureTokens) || 1),
});

/** A message with the content of its files. */
export async function saidIn(message: Message, files: Files, senses: Senses): Promise<Said> {
  const { role, text, parts } = message;
  const attached = filesIn(parts);
  if (attached.length === 0) return { role, text };
  const pieces: ContentPiece[] = [];
  for (const part of attached) pieces.push(...(await piecesOf(message, part, files, senses)));
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
  senses: Senses,
): Promise<readonly ContentPiece[]> {
  if (part.isSearched) return note(part, searchedNote);
  const pages = part.file === null ? null : await files.pagesFor(id, part.file);
  if (pages === null || part.file === null) return note(part, "The content of this file was not kept.");
  if (part.picturePages && senses.sees) {
    const pictures = await files.picturesFor(id, part.file, senses.pagesMax);
    if (pictures.size > 0) return withPictures(part, pages, pictures);
  }
  if (part.type !== "picture" && part.type !== "audio") return [block(part, textOf(pages))];
  const isPicture = part.type === "picture";
  if (isPicture && !senses.sees) return note(part, "This model does not see pictures.");
  if (!isPicture && !senses.hears) return note(part, "This model does not hear recordings.");
  const content = await (isPicture ? pictureOf : recordingOf)(part.file, files);
  return [{ type: "text", text: opening(part) }, content, { type: "text", text: "</file>" }];
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

/** The pages in order, some of them as pictures. */
function withPictures(
  part: FilePart,
  pages: readonly FilePage[],
  pictures: ReadonlyMap<number, Uint8Array>,
): readonly ContentPiece[] {
  const pieces: ContentPiece[] = [];
  let text = opening(part);
  for (const { page, text: read } of pages) {
    text += `\n<page number="${page}">\n`;
    const picture = pictures.get(page);
    if (picture) {
      pieces.push({ type: "text", text }, pictureAs("image/jpeg", picture));
      text = guarded(read);
    } else text += said(read);
    text += "\n</page>";
  }
  return [...pieces, { type: "text", text: `${text}\n</file>` }];
}

const said = (text: string) => (text.trim() === "" ? "(no text: a picture, or empty)" : guarded(text));

/** The pages in order; a single page has no number. */
function textOf(pages: readonly FilePage[]): string {
  const [only, second] = pages;
  if (only === undefined) return "";
  if (second === undefined) return said(only.text);
  return pages.map(({ page, text }) => `<page number="${page}">\n${said(text)}\n</page>`).join("\n");
}

/** A text in which no mark of ours begins or ends. */
const guarded = (text: string): string => text.replace(/<(?=\s*\/?\s*(?:file|page)\b)/gi, "&lt;");

async function pictureOf(id: string, files: Files): Promise<ContentPiece> {
  const pieces = await Array.fromAsync(files.content(id));
  return pictureAs((await files.file(id))?.mediaType ?? "image/jpeg", Buffer.concat(pieces));
}

async function recordingOf(id: string, files: Files): Promise<ContentPiece> {
  const data = Buffer.concat(await Array.fromAsync(files.content(id))).toBase64();
  // llama-server looks at the bytes, but refuses other names of formats
  const format = (await files.file(id))?.mediaType === "audio/wav" ? "wav" : "mp3";
  return { type: "input_audio", input_audio: { data, format } };
}

/** Never an address: llama-server would fetch it. */
const pictureAs = (mediaType: string, bytes: Uint8Array): ContentPiece => ({
  type: "image_url",
  image_url: { url: `data:${mediaType};base64,${bytes.toBase64()}` },
});
