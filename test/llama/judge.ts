// Makes the model "Judge": a BERT of 1.9 MB with which a real llama-server reranks documents for a query, by how many of
// the query's words they have, words of one meaning being one.
//
// How: in block 0 each word looks at all words of its meaning in query and document, and at [CLS]. Only [CLS] gives
// something, the mark: a word that finds many of its meaning gets little of it. In block 1 [CLS] takes the mean of all
// marks, in which heavy words count more, and those near it, which are the query's. A lower mean is a higher score.

import { bertKeys, blockTensors, inputTensors, pooling, width } from "./bert.ts";
import { gguf, type Tensor } from "./gguf.ts";
import { clsId, dims, lexicon, tokenizer } from "./lexicon.ts";
import { wiring, zeros } from "./weights.ts";

/** Numbers of a state beside a word's meaning. */
const isCls = dims;
const weight = dims + 1;
const position = dims + 2;
const mark = dims + 3;

/** LayerNorm gives every state this length; attention divides by it as well. */
const stateLength = Math.sqrt(width);

/** Tried out with the questions of lease.ts: how strongly each of these draws attention. */
const draws = { equalWord: 6, cls: 5, weight: 7, nearness: 165 };
/** Brings the mean of the marks to where LayerNorm leaves differences as they are. */
const usualMark = -15;

/** A bias of 1 in one number of every query, with which it asks for the keys that have that number. */
function asksFor(block: number, number: number): Tensor {
  const bias = zeros(`blk.${block}.attn_q.bias`, width);
  bias.data[number] = 1;
  return bias;
}

/**
 * Brings the scores of documents above 0 that have the query's words or others of the same sense. It does so for
 * some sentences of few words that tell nothing, too: a short query has high scores.
 */
const threshold = 5.4;

function equalWords(): Tensor[] {
  // of equal words the attention is (factor × stateLength)² / stateLength
  const factor = Math.sqrt(draws.equalWord / stateLength);
  const meanings = Array.from({ length: dims }, (_, i) => [i, i, factor] as const);
  return [
    wiring("blk.0.attn_q.weight", width, meanings),
    asksFor(0, isCls),
    wiring("blk.0.attn_k.weight", width, [...meanings, [isCls, isCls, draws.cls]]),
    wiring("blk.0.attn_v.weight", width, [[mark, isCls, 0.8]]),
    wiring("blk.0.attn_output.weight", width, [[mark, mark, 1]]),
  ];
}

function meanOfMarks(): Tensor[] {
  const constant = zeros("blk.1.attn_v.bias", width);
  constant.data[mark] = usualMark;
  return [
    zeros("blk.1.attn_q.weight", width, width),
    asksFor(1, weight),
    wiring("blk.1.attn_k.weight", width, [
      [weight, weight, draws.weight],
      [weight, position, -draws.nearness],
    ]),
    wiring("blk.1.attn_v.weight", width, [[mark, mark, 4]]),
    constant,
    wiring("blk.1.attn_output.weight", width, [[mark, mark, 1]]),
  ];
}

/** The bytes of the model that reranks. */
export function judge(): Uint8Array {
  const words = lexicon();
  const rows = new Float32Array(words.length * width);
  words.forEach((word, id) => {
    if (id !== clsId) rows.set([...word.meaning, 0, word.weight / 2], id * width);
  });
  rows[clsId * width + isCls] = 1;
  const score = zeros("cls.output.weight", width, 1);
  score.data[mark] = -1;
  const bias = zeros("cls.output.bias", 1);
  bias.data[0] = threshold;
  return gguf(
    {
      ...bertKeys("Judge", 2, pooling.rank),
      ...tokenizer(words),
      "bert.classifier.output_labels": { strings: ["score"] },
    },
    [
      ...inputTensors(rows, position),
      ...blockTensors(0, equalWords()),
      ...blockTensors(1, meanOfMarks()),
      score,
      bias,
    ],
  );
}
