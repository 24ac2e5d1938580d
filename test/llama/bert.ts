// What every BERT of ours is made of: keys and tensors around the attention of its blocks. A block's feed-forward
// part is zero, so a block does what its attention does, and nothing else.

import type { Tensor, Value } from "./gguf.ts";
import { ones, zeros } from "./weights.ts";

export const width = 128;
/** The most tokens of one text. */
const context = 512;
const feedForward = 8;

/** What llama.cpp makes of the last states: their mean, or a score from that of [CLS]. */
export const pooling = { mean: 1, rank: 4 } as const;

export const bertKeys = (name: string, blocks: number, pooling: number): Record<string, Value> => ({
  "general.architecture": { string: "bert" },
  "general.name": { string: name },
  "bert.block_count": { u32: blocks },
  "bert.context_length": { u32: context },
  "bert.embedding_length": { u32: width },
  "bert.feed_forward_length": { u32: feedForward },
  "bert.attention.head_count": { u32: 1 },
  "bert.attention.layer_norm_epsilon": { f32: 1e-12 },
  "bert.attention.causal": { bool: false },
  "bert.pooling_type": { u32: pooling },
});

/** Everything before the blocks. Of a state, `position` tells where it stands in the text, from 0 to 1. */
export function inputTensors(embeddings: Float32Array, position?: number): Tensor[] {
  const positions = zeros("position_embd.weight", width, context);
  if (position !== undefined)
    for (let i = 0; i < context; i++) positions.data[i * width + position] = i / context;
  return [
    { name: "token_embd.weight", shape: [width, embeddings.length / width], data: embeddings },
    zeros("token_types.weight", width, 2),
    positions,
    ones("token_embd_norm.weight", width),
    zeros("token_embd_norm.bias", width),
  ];
}

/** A block around its attention; of its output only the first `seen` numbers are kept. */
export const blockTensors = (block: number, attention: readonly Tensor[], seen = width): Tensor[] => [
  ...attention,
  ones(`blk.${block}.attn_output_norm.weight`, width),
  zeros(`blk.${block}.attn_output_norm.bias`, width),
  zeros(`blk.${block}.ffn_up.weight`, width, feedForward),
  zeros(`blk.${block}.ffn_down.weight`, feedForward, width),
  ones(`blk.${block}.layer_output_norm.weight`, width, seen),
  zeros(`blk.${block}.layer_output_norm.bias`, width),
];
