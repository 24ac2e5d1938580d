// Reads files that somebody has attached: the kind of each, its text, pictures of its pages without text, and
// the bytes to keep.

import type { FilePage } from "../domain/file.ts";
import type { FileType } from "../domain/file-type.ts";
import { audioTypeOf, refuseAudio } from "./audio.ts";
import type { Extractor } from "./extractor.ts";
import { isPicture, upright } from "./picture.ts";

interface ReadFile {
  readonly type: FileType;
  /** Media type of the content. */
  readonly mediaType: string;
  readonly pages: readonly FilePage[];
  readonly picturePages?: readonly number[];
  readonly pictures?: ReadonlyMap<number, Uint8Array>;
  /** The bytes of the file; of a picture, bytes that models and browsers can take. */
  readonly content: Uint8Array;
}

/** Pages of a scan that are kept as pictures: more would fill any context. */
const picturesMax = 10;

export class FileReader {
  readonly #extractor: Pick<Extractor, "extract">;
  #picture: Promise<unknown> = Promise.resolve();

  constructor(extractor: Pick<Extractor, "extract">) {
    this.#extractor = extractor;
  }

  /** @throws Failure as `Extractor.extract`; `picture_unsupported`, `picture_too_large`, `too_large` */
  async read(bytes: Uint8Array, name: string): Promise<ReadFile> {
    if (isPicture(bytes)) return this.#readPicture(bytes, name);
    const mediaType = audioTypeOf(bytes);
    if (mediaType !== null) {
      refuseAudio(bytes, name);
      return { type: "audio", mediaType, pages: [], content: bytes };
    }
    const extracted = await this.#extractor.extract(whole(bytes), name, undefined, picturesMax);
    const { type, pages, picturePages, pictures } = extracted;
    const facts = { type, mediaType: "application/octet-stream", pages, picturePages, pictures };
    return { ...facts, content: bytes };
  }

  /** One after the other, since a large one takes much memory. */
  async #readPicture(bytes: Uint8Array, name: string): Promise<ReadFile> {
    const made = this.#picture.then(() => upright(bytes, name));
    this.#picture = made.catch(() => {});
    const { bytes: content, mediaType } = await made;
    return { type: "picture", mediaType, pages: [], content };
  }
}

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
