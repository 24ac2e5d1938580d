// The words that Magpie and the judge know, German and English, each with a direction that is its meaning and with
// a weight. Words of one concept share one direction, so that a search by meaning finds what a search by words
// does not. Unknown words are cut into pairs of letters. llama-server's own tokenizer has taken capitals and
// accents away before it looks for a piece.

import type { Value } from "./gguf.ts";
import { namedVector } from "./weights.ts";

/** Length of a meaning. */
export const dims = 64;

interface Word {
  /** As llama-server's tokenizer has it: a leading U+2581 is the start of a word. */
  readonly piece: string;
  readonly kind: number;
  readonly meaning: Float32Array;
  /** 0 for a word that says nothing, 1 for one of a concept. */
  readonly weight: number;
}

/** Words of one line mean the same. */
const concepts = [
  "auto wagen fahrzeug pkw car vehicle",
  "fahrrad rad fahrrader bicycle bike",
  "kundigung kundigen gekundigt kundigt aufhebung beenden termination cancel cancelled notice",
  "frist fristen zeitraum dauer period deadline",
  "miete miet mietzins pacht rent",
  "kaution sicherheit deposit",
  "vertrag vereinbarung contract agreement",
  "geld betrag summe kosten kostet money amount cost costs",
  "hund hunde dog dogs",
  "katze katzen cat cats",
  "arzt doktor mediziner doctor physician",
  "urlaub ferien reise vacation holiday",
  "haus hauser gebaude house building",
  "monat monate monaten month months",
  "heizung heizen geheizt heating",
  "wasser water",
  "strom electricity",
  "schlussel key keys",
  "larm ruhe noise quiet",
  "mull abfall waste rubbish",
];

const stopWords =
  "der die das den dem des ein eine einer eines einem einen und oder ist sind war im in am an auf zu zum zur " +
  "von vom mit fur bei bis nur wenn wie was wer wo wann wird werden kann darf nicht es er sie ich mein wir " +
  "the a an of to in is are was and or for on at by with how what who where when it be can may i my do not";

/** Put between the parts of a compound: "kundigung" + "s" + "frist". */
const joints = ["", "s", "n", "es", "en"];

const kinds = { normal: 1, unknown: 2, control: 3 } as const;
const start = "\u2581";
const letters = [..."abcdefghijklmnopqrstuvwxyz"];
const signs = [...".,;:!?()[]{}\"'-–/§%&+*=<>#@_€$"];
/** The meaning of what says nothing. */
const nothing = "nothing";

/** Every piece with its meaning's name and its weight; the first five are the ids of `tokenizer`. */
function* pieces(): Generator<[piece: string, meaning: string, weight: number, kind?: number]> {
  yield ["[PAD]", nothing, 0, kinds.control];
  yield ["[UNK]", "unknown", 0.3, kinds.unknown];
  for (const piece of ["[CLS]", "[SEP]", "[MASK]"]) yield [piece, nothing, 0, kinds.control];
  for (const word of stopWords.split(" ")) yield [start + word, nothing, 0.02];
  for (const concept of concepts)
    for (const word of concept.split(" ")) {
      yield [start + word, concept, 1];
      if (word.length > 3) for (const joint of joints) yield [joint + word, concept, 1];
    }
  for (const a of letters)
    for (const b of letters) {
      yield [start + a + b, start + a + b, 0.45];
      yield [a + b, a + b, 0.35];
    }
  for (const a of [...letters, ..."0123456789ß"]) {
    yield [start + a, start + a, 0.2];
    yield [a, a, 0.1];
  }
  for (const sign of signs) yield [start + sign, nothing, 0.01];
  yield [start, nothing, 0.01];
}

/** Every word once; where a piece comes twice, the first meaning holds. */
export function lexicon(): Word[] {
  const words = new Map<string, Word>();
  for (const [piece, meaning, weight, kind = kinds.normal] of pieces())
    if (!words.has(piece)) words.set(piece, { piece, kind, meaning: namedVector(meaning, dims), weight });
  return [...words.values()];
}

/**
 * The embeddings of these words in `width` numbers: the meaning × weight first, then `filler` numbers that
 * complete its length to 1. Without them LayerNorm would make all words equally heavy.
 */
export function embeddings(words: readonly Word[], width: number, filler: number): Float32Array {
  const rows = new Float32Array(words.length * width);
  words.forEach(({ piece, meaning, weight }, row) => {
    const rest = Math.sqrt(1 - weight ** 2);
    rows.set(
      meaning.map((x) => x * weight),
      row * width,
    );
    rows.set(
      namedVector(`filler ${piece}`, filler).map((x) => x * rest),
      row * width + dims,
    );
  });
  return rows;
}

/** The keys of BERT's tokenizer. */
export const tokenizer = (words: readonly Word[]): Record<string, Value> => ({
  "tokenizer.ggml.model": { string: "bert" },
  "tokenizer.ggml.pre": { string: "bert" },
  "tokenizer.ggml.token_type_count": { u32: 2 },
  "tokenizer.ggml.tokens": { strings: words.map(({ piece }) => piece) },
  "tokenizer.ggml.scores": { floats: words.map(() => 0) },
  "tokenizer.ggml.token_type": { ints: words.map(({ kind }) => kind) },
  "tokenizer.ggml.padding_token_id": { u32: 0 },
  "tokenizer.ggml.unknown_token_id": { u32: 1 },
  "tokenizer.ggml.cls_token_id": { u32: 2 },
  "tokenizer.ggml.bos_token_id": { u32: 2 },
  "tokenizer.ggml.seperator_token_id": { u32: 3 }, // spelled so in llama.cpp
  "tokenizer.ggml.eos_token_id": { u32: 3 },
  "tokenizer.ggml.mask_token_id": { u32: 4 },
});

/** The id of [CLS], which stands before every text. */
export const clsId = 2;
