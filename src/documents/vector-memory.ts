// The vectors of one model in memory, so that those near a question are found: each collection's apart, since
// a search looks only into some. Rows are taken in blocks; those of a removed document are used again.

import type { Near } from "../store/vectors.ts";
import { quantized } from "./quantized.ts";
import { lanes, openScan } from "./scan.ts";

/** Rows of a block: the most that a small collection wastes. */
const blockRows = 64;
/** Rows whose products are computed at once, and the bytes of a page of memory. */
const [batchRows, pageBytes] = [4_096, 65_536];
/** Pages that the memory grows by at least. */
const growPages = 8;

/** Rows from `start` to before `end`. */
interface Run {
  start: number;
  end: number;
}

interface Area {
  /** All rows of the collection; runs don't touch. */
  readonly rows: Run[];
  readonly free: Run[];
  readonly documents: Map<number, Run[]>;
  /** Rows with a vector. */
  used: number;
}

export interface Vectors {
  readonly passages: Uint32Array;
  readonly scales: Float32Array;
  /** One after the other, each of the model's dims. */
  readonly values: Int8Array;
}

export class VectorMemory {
  readonly #dims: number;
  readonly #maxBytes: number;
  /** Bytes of a row. */
  readonly #width: number;
  readonly #scan = openScan();
  readonly #out: number;
  readonly #base: number;
  readonly #areas = new Map<number, Area>();
  readonly #freeBlocks: number[] = [];
  #blocks = 0;
  #scales = new Float32Array(0);
  #passages = new Uint32Array(0);

  /** @param maxBytes of all vectors together */
  constructor(dims: number, maxBytes: number) {
    this.#dims = dims;
    this.#maxBytes = maxBytes;
    this.#width = Math.ceil(dims / lanes) * lanes;
    this.#out = this.#width;
    this.#base = this.#out + batchRows * 4;
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#scan.memory.buffer.byteLength + this.#scales.byteLength + this.#passages.byteLength;
  }

  /** Adds vectors to a document of a collection. False when there is no room for them. */
  add(document: number, collection: number, { passages, scales, values }: Vectors): boolean {
    const area = this.#areas.get(collection) ?? { rows: [], free: [], documents: new Map(), used: 0 };
    const runs = this.#take(area, passages.length);
    if (runs === null) return false;
    this.#areas.set(collection, area);
    const memory = new Int8Array(this.#scan.memory.buffer);
    let from = 0;
    for (const { start, end } of runs)
      for (let row = start; row < end; row++, from++) {
        memory.set(
          values.subarray(from * this.#dims, (from + 1) * this.#dims),
          this.#base + row * this.#width,
        );
        this.#scales[row] = scales[from] as number;
        this.#passages[row] = passages[from] as number;
      }
    area.used += passages.length;
    area.documents.set(document, [...(area.documents.get(document) ?? []), ...runs]);
    return true;
  }

  /** Removes the vectors of a document. */
  remove(document: number, collection: number): void {
    const area = this.#areas.get(collection);
    const runs = area?.documents.get(document);
    if (!area || !runs) return;
    for (const { start, end } of runs) {
      this.#scales.fill(0, start, end);
      area.used -= end - start;
    }
    area.free.push(...runs);
    area.documents.delete(document);
    if (area.documents.size > 0) return;
    this.#areas.delete(collection);
    for (const { start, end } of area.rows)
      for (let row = start; row < end; row += blockRows) this.#freeBlocks.push(row / blockRows);
  }

  /** The passages of some collections that are nearest to a question, at most `limit`. */
  search(question: Float32Array, collections: readonly number[], limit: number): Near {
    const { scale, values } = quantized(question);
    const [passages, scores]: [number[], number[]] = [[], []];
    let [sum, used] = [0, 0];
    if (scale === 0 || values.length !== this.#dims || limit === 0) return { passages, scores, mean: 0 };
    const { memory, scan } = this.#scan;
    new Int8Array(memory.buffer, 0, this.#width).fill(0).set(values);
    const products = new Int32Array(memory.buffer, this.#out, batchRows);
    for (const collection of collections) {
      const area = this.#areas.get(collection);
      used += area?.used ?? 0;
      for (const run of area?.rows ?? [])
        for (let start = run.start; start < run.end; start += batchRows) {
          const rows = Math.min(batchRows, run.end - start);
          scan(this.#base + start * this.#width, rows, this.#width, 0, this.#out);
          for (let i = 0; i < rows; i++) {
            const score = (products[i] as number) * (this.#scales[start + i] as number) * scale;
            sum += score;
            if (score <= 0 || (scores.length === limit && score <= (scores.at(-1) as number))) continue;
            insert(scores, passages, score, this.#passages[start + i] as number, limit);
          }
        }
    }
    return { passages, scores, mean: used > 1 ? (sum - (scores[0] ?? 0)) / (used - 1) : 0 };
  }

  /** Takes rows that are free, in as few runs as there are; null when there is no room. */
  #take(area: Area, count: number): Run[] | null {
    const lacking = count - area.free.reduce((rows, { start, end }) => rows + end - start, 0);
    if (lacking > 0 && !this.#enlarge(area, Math.ceil(lacking / blockRows))) return null;
    const taken: Run[] = [];
    for (let left = count; left > 0; ) {
      const run = area.free.at(-1) as Run;
      const end = Math.min(run.end, run.start + left);
      taken.push({ start: run.start, end });
      left -= end - run.start;
      run.start = end;
      if (run.start === run.end) area.free.pop();
    }
    return taken;
  }

  #enlarge(area: Area, blocks: number): boolean {
    const fresh = Math.max(0, blocks - this.#freeBlocks.length);
    if (fresh > 0 && !this.#reserve((this.#blocks + fresh) * blockRows)) return false;
    for (let i = 0; i < blocks; i++) {
      const start = (this.#freeBlocks.pop() ?? this.#blocks++) * blockRows;
      for (const runs of [area.rows, area.free]) {
        const last = runs.at(-1);
        if (last?.end === start) last.end += blockRows;
        else runs.push({ start, end: start + blockRows });
      }
    }
    return true;
  }

  #reserve(rows: number): boolean {
    const bytes = this.#base + rows * this.#width;
    if (bytes > this.#maxBytes) return false;
    const { memory } = this.#scan;
    const pages = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
    try {
      if (pages > 0) memory.grow(Math.max(pages, growPages));
    } catch {
      return false; // 4 GB are full, or the machine's memory
    }
    if (rows > this.#scales.length) {
      const length = Math.ceil((rows * 1.05) / blockRows) * blockRows;
      this.#scales = lengthened(this.#scales, new Float32Array(length));
      this.#passages = lengthened(this.#passages, new Uint32Array(length));
    }
    return true;
  }
}

function lengthened<T extends Float32Array | Uint32Array>(before: T, longer: T): T {
  longer.set(before);
  return longer;
}

/** Puts a score at its place among the best, of which there are at most `limit`. */
function insert(scores: number[], passages: number[], score: number, passage: number, limit: number): void {
  let at = scores.length;
  while (at > 0 && (scores[at - 1] as number) < score) at--;
  scores.splice(at, 0, score);
  passages.splice(at, 0, passage);
  if (scores.length <= limit) return;
  scores.pop();
  passages.pop();
}
