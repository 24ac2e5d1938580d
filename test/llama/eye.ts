// Makes "Eye", the picture encoder (mmproj) of the demo model: 160 kB with which a real llama-server takes pictures.
// Each becomes 16 tokens. It sees nothing in them: its weights are zero.

import { gguf, type Tensor, type Value } from "./gguf.ts";
import { ones, zeros } from "./weights.ts";

/** The demo model's width, which the encoder's output must have. */
const modelWidth = 64;
const width = 32;
const feedForward = 32;
const blocks = 2;
const imageSize = 56;
const patchSize = 14;

/** Tokens of one picture. */
export const pictureTokens = (imageSize / patchSize) ** 2;

const keys: Record<string, Value> = {
  "general.architecture": { string: "clip" },
  "general.name": { string: "Eye" },
  "general.type": { string: "mmproj" },
  "clip.has_vision_encoder": { bool: true },
  "clip.projector_type": { string: "mlp" },
  "clip.use_gelu": { bool: true },
  "clip.vision.image_size": { u32: imageSize },
  "clip.vision.patch_size": { u32: patchSize },
  "clip.vision.embedding_length": { u32: width },
  "clip.vision.feed_forward_length": { u32: feedForward },
  "clip.vision.projection_dim": { u32: modelWidth },
  "clip.vision.attention.head_count": { u32: 2 },
  "clip.vision.attention.layer_norm_epsilon": { f32: 1e-5 },
  "clip.vision.block_count": { u32: blocks },
  "clip.vision.image_mean": { floats: [0.5, 0.5, 0.5] },
  "clip.vision.image_std": { floats: [0.5, 0.5, 0.5] },
};

const norm = (name: string): Tensor[] => [ones(`${name}.weight`, width), zeros(`${name}.bias`, width)];
const linear = (name: string, from: number, to: number): Tensor[] => [
  zeros(`${name}.weight`, from, to),
  zeros(`${name}.bias`, to),
];

const block = (i: number): Tensor[] => [
  ...["attn_q", "attn_k", "attn_v", "attn_out"].flatMap((name) => linear(`v.blk.${i}.${name}`, width, width)),
  ...["ln1", "ln2"].flatMap((name) => norm(`v.blk.${i}.${name}`)),
  ...linear(`v.blk.${i}.ffn_up`, width, feedForward),
  ...linear(`v.blk.${i}.ffn_down`, feedForward, width),
];

/** The bytes of the picture encoder. */
export const eye = (): Uint8Array =>
  gguf(keys, [
    zeros("v.patch_embd.weight", patchSize, patchSize, 3, width),
    zeros("v.class_embd", width),
    zeros("v.position_embd.weight", width, pictureTokens + 1),
    ...norm("v.pre_ln"),
    ...norm("v.post_ln"),
    ...Array.from({ length: blocks }, (_, i) => block(i)).flat(),
    ...linear("mm.0", width, modelWidth),
    zeros("mm.2.weight", modelWidth, modelWidth),
    ones("mm.2.bias", modelWidth),
  ]);
