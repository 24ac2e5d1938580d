// Makes "Ear", the recording encoder (mmproj) of the demo model, with which a real llama-server takes recordings. It
// hears nothing in them: its weights are zero.

import { gguf, type Tensor, type Value } from "./gguf.ts";
import { ones, zeros } from "./weights.ts";

/** The demo model's width, which the encoder's output must have. */
const modelWidth = 64;
const width = 32;
const feedForward = 32;
const bands = 80;
/** Steps of 20 ms in the half minute that is encoded at a time. */
const steps = 1_500;

const keys: Record<string, Value> = {
  "general.architecture": { string: "clip" },
  "general.name": { string: "Ear" },
  "general.type": { string: "mmproj" },
  "clip.has_audio_encoder": { bool: true },
  "clip.projector_type": { string: "qwen2a" },
  "clip.use_gelu": { bool: true },
  "clip.audio.num_mel_bins": { u32: bands },
  "clip.audio.embedding_length": { u32: width },
  "clip.audio.feed_forward_length": { u32: feedForward },
  "clip.audio.projection_dim": { u32: modelWidth },
  "clip.audio.attention.head_count": { u32: 2 },
  "clip.audio.attention.layer_norm_epsilon": { f32: 1e-5 },
  "clip.audio.block_count": { u32: 1 },
};

const norm = (name: string): Tensor[] => [ones(`${name}.weight`, width), zeros(`${name}.bias`, width)];
const linear = (name: string, from: number, to: number): Tensor[] => [
  zeros(`${name}.weight`, from, to),
  zeros(`${name}.bias`, to),
];
/** A convolution over three steps; its weights have half precision, as ggml wants them. */
const convolution = (n: number, from: number): Tensor[] => [
  { name: `a.conv1d.${n}.weight`, shape: [3, from, width], data: new Uint16Array(3 * from * width) },
  zeros(`a.conv1d.${n}.bias`, 1, width),
];

/** The bytes of the recording encoder. */
export const ear = (): Uint8Array =>
  gguf(keys, [
    ...convolution(1, bands),
    ...convolution(2, width),
    zeros("a.position_embd.weight", width, steps),
    ...["attn_q", "attn_v", "attn_out"].flatMap((name) => linear(`a.blk.0.${name}`, width, width)),
    zeros("a.blk.0.attn_k.weight", width, width), // Whisper has no bias here
    ...["ln1", "ln2"].flatMap((name) => norm(`a.blk.0.${name}`)),
    ...linear("a.blk.0.ffn_up", width, feedForward),
    ...linear("a.blk.0.ffn_down", feedForward, width),
    ...norm("a.post_ln"),
    zeros("mm.a.fc.weight", width, modelWidth),
    ones("mm.a.fc.bias", modelWidth),
  ]);
