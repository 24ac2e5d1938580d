// Makes the demo model "Parrot": a GGUF of a few MB that has a real llama-server recite the texts of recitals.ts,
// token by token, at any temperature.
//
// How: one block of zeros lets the residual stream pass, so the next token depends on the last token alone. Each token has
// a random unit vector e(t); for "after a comes b", row b of the output matrix is 12 × e(a). RMSNorm scales a unit vector by
// sqrt(64) = 8, so the right token's logit is 96, the others' are normal with deviation 12: sampling cannot miss.
// A text is therefore a chain of pieces that are unique in the vocabulary.

import { gguf, type Tensor, type Value } from "./gguf.ts";
import {
  continuationText,
  countsUpTo,
  countText,
  picturesUpTo,
  pictureText,
  type Recital,
  recitals,
} from "./recitals.ts";
import { ones, random, unitVector, zeros } from "./weights.ts";

const width = 64;
const feedForward = 32;
const gain = 12;
const kind = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

interface Token {
  readonly piece: string;
  readonly kind: number;
  /** The token that is recited after it. */
  next?: number;
  /** The last piece of a text: all of these share one embedding, which the end token's row is made of. */
  last?: true;
}

class Vocabulary {
  readonly tokens: Token[] = [];
  readonly #byPiece = new Map<string, number>();
  readonly #used = new Set<number>();

  constructor() {
    this.add("<unk>", kind.unknown);
    this.add("<s>", kind.control);
    this.add("<|end|>", kind.control);
    for (let byte = 0; byte < 256; byte++)
      this.add(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, kind.byte);
    for (const role of ["system", "user", "assistant"]) this.add(`<|${role}|>`, kind.control);
  }

  add(piece: string, kind: number): number {
    const id = this.tokens.length;
    this.tokens.push({ piece, kind });
    this.#byPiece.set(piece, id);
    return id;
  }

  has(piece: string): boolean {
    return this.#byPiece.has(piece);
  }

  /** The token of an exact piece, which no other text may use. */
  claim(piece: string): number {
    const id = this.#byPiece.get(piece) ?? this.add(piece, kind.normal);
    if (this.#used.has(id)) throw new Error(`piece ${JSON.stringify(piece)} is used twice`);
    this.#used.add(id);
    return id;
  }
}

/** SentencePiece writes a space as U+2581. */
const marked = (text: string): string => text.replaceAll(" ", "\u2581");

/** Cuts a text into pieces of 2 to 5 characters, lengthening each until it is new to the vocabulary. */
function cut(text: string, vocabulary: Vocabulary): number[] {
  const characters = [...text];
  const ids: number[] = [];
  for (let from = 0; from < characters.length; ) {
    let to = Math.min(from + 2 + (ids.length % 4), characters.length);
    while (to < characters.length && vocabulary.has(marked(characters.slice(from, to).join("")))) to++;
    let piece = marked(characters.slice(from, to).join(""));
    while (vocabulary.has(piece)) {
      // the rest of the text is known already: take it together with the piece before
      const previous = vocabulary.tokens[ids.pop() as number] as Token;
      piece = previous.piece + piece;
    }
    ids.push(vocabulary.claim(piece));
    from = to;
  }
  return ids;
}

/** Adds `<|recite:name|>` and the chain of tokens behind it, which it returns. */
function addChain(
  vocabulary: Vocabulary,
  name: string,
  recital: Pick<Recital, "text" | "reasoning" | "endless">,
): number[] {
  const start = vocabulary.add(`<|recite:${name}|>`, kind.control);
  const thought =
    recital.reasoning === undefined ? [] : cut(`<think>\n${recital.reasoning}\n</think>\n\n`, vocabulary);
  const text =
    typeof recital.text === "string"
      ? cut(recital.text, vocabulary)
      : recital.text.map((piece) => vocabulary.claim(marked(piece)));
  const chain = [start, ...thought, ...text];
  chain.forEach((id, i) => {
    const token = vocabulary.tokens[id] as Token;
    const next = chain[i + 1];
    if (next !== undefined) token.next = next;
    else if (recital.endless) token.next = chain[Math.floor(chain.length / 2)] as number;
    else token.last = true;
  });
  return chain.slice(1);
}

/** What llama-server puts in a picture's place begins so. */
const pictureMarker = "<__media_";

/**
 * ChatML-like; pictures, or else the last message's words, choose the recital, and for some those of the system
 * message.
 */
function chatTemplate(): string {
  const choices = Object.entries(recitals)
    .filter(([, { word, given }]) => word !== "" || given)
    .sort(([, a], [, b]) => Number(!a.given) - Number(!b.given));
  const branch = (condition: string, name: string) => `{%- elif ${condition} -%}<|recite:${name}|>`;
  const upTo = (length: number) => Array.from({ length }, (_, i) => i + 1);
  const asksForPictures = `('${pictureMarker}' in q or 'pictures' in q)`;
  const branches = [
    ...upTo(picturesUpTo).map((n) => branch(`${asksForPictures} and seen.pictures == ${n}`, `pictures${n}`)),
    ...choices.map(([name, { word, given = "" }]) => branch(`'${word}' in q and '${given}' in s`, name)),
    ...upTo(countsUpTo).map((n) => branch(`'count' in q and n == ${n}`, `count${n}`)),
  ].join("");
  const thought = `{% if m.reasoning_content is defined and m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}`;
  const pictures = `{%- if m.content is string -%}{%- set seen.pictures = seen.pictures + m.content.split('${pictureMarker}')|length - 1 -%}{%- endif -%}`;
  const message = `<|{{ m.role }}|>${thought}{{ m.content }}<|end|>`;
  return `{%- set seen = namespace(pictures=0) -%}{%- for m in messages -%}${pictures}${message}{%- endfor -%}{%- if add_generation_prompt -%}<|assistant|>{%- set q = messages[-1].content -%}{%- set n = messages|length -%}{%- set s = '' -%}{%- if messages[0].role == 'system' -%}{%- set s = messages[0].content -%}{%- set n = n - 1 -%}{%- endif -%}{%- if false -%}${branches}{%- else -%}<|recite:greeting|>{%- endif -%}{%- endif -%}`;
}

/** `continuation` is what is said after a text that ends in no piece of ours: an answer that is to be gone on with. */
function tensors(tokens: readonly Token[], end: number, continuation: number): Tensor[] {
  const next = random(20260923);
  const lastPiece = unitVector(next, width);
  const foreignByte = unitVector(next, width);
  const embedding = new Float32Array(tokens.length * width);
  const output = new Float32Array(tokens.length * width);
  const setRow = (matrix: Float32Array, row: number, vector: Float32Array, factor: number) => {
    for (let i = 0; i < width; i++)
      matrix[row * width + i] = (matrix[row * width + i] as number) + factor * (vector[i] as number);
  };
  tokens.forEach((token, id) => {
    const isForeign = token.kind === kind.byte && token.next === undefined;
    const vector = token.last ? lastPiece : isForeign ? foreignByte : unitVector(next, width);
    setRow(embedding, id, vector, 1);
    if (token.next !== undefined) setRow(output, token.next, vector, gain);
  });
  setRow(output, end, lastPiece, gain);
  setRow(output, continuation, foreignByte, gain);
  return [
    { name: "token_embd.weight", shape: [width, tokens.length], data: embedding },
    ones("output_norm.weight", width),
    { name: "output.weight", shape: [width, tokens.length], data: output },
    ones("blk.0.attn_norm.weight", width),
    ...["attn_q", "attn_k", "attn_v", "attn_output"].map((name) =>
      zeros(`blk.0.${name}.weight`, width, width),
    ),
    ones("blk.0.ffn_norm.weight", width),
    zeros("blk.0.ffn_gate.weight", width, feedForward),
    zeros("blk.0.ffn_up.weight", width, feedForward),
    zeros("blk.0.ffn_down.weight", feedForward, width),
  ];
}

function keys(tokens: readonly Token[], end: number): Record<string, Value> {
  return {
    "general.architecture": { string: "llama" },
    "general.name": { string: "Parrot" },
    "llama.block_count": { u32: 1 },
    "llama.context_length": { u32: 1 << 20 },
    "llama.embedding_length": { u32: width },
    "llama.feed_forward_length": { u32: feedForward },
    "llama.attention.head_count": { u32: 2 },
    "llama.rope.dimension_count": { u32: 32 },
    "llama.attention.layer_norm_rms_epsilon": { f32: 1e-6 },
    "tokenizer.ggml.model": { string: "llama" },
    "tokenizer.ggml.tokens": { strings: tokens.map((token) => token.piece) },
    "tokenizer.ggml.scores": { floats: tokens.map((token) => (token.kind === kind.normal ? -1000 : 0)) },
    "tokenizer.ggml.token_type": { ints: tokens.map((token) => token.kind) },
    "tokenizer.ggml.unknown_token_id": { u32: 0 },
    "tokenizer.ggml.bos_token_id": { u32: 1 },
    "tokenizer.ggml.eos_token_id": { u32: end },
    "tokenizer.ggml.add_bos_token": { bool: false },
    "tokenizer.ggml.add_space_prefix": { bool: false },
    "tokenizer.chat_template": { string: chatTemplate() },
  };
}

/** The bytes of the demo model. */
export function parrot(): Uint8Array {
  const vocabulary = new Vocabulary();
  // exact pieces first, so that no cut takes one of them away
  const byExactness = Object.entries(recitals).sort(
    ([, a], [, b]) => Number(typeof a.text === "string") - Number(typeof b.text === "string"),
  );
  for (const [name, recital] of byExactness) addChain(vocabulary, name, recital);
  for (let n = 1; n <= countsUpTo; n++) addChain(vocabulary, `count${n}`, { text: countText(n) });
  for (let n = 1; n <= picturesUpTo; n++) addChain(vocabulary, `pictures${n}`, { text: pictureText(n) });
  const [continuation] = addChain(vocabulary, "continuation", { text: continuationText });
  const end = 2;
  return gguf(keys(vocabulary.tokens, end), tensors(vocabulary.tokens, end, continuation as number));
}
