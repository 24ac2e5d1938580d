// Makes the model "Magpie": a BERT of 1.6 MB with which a real llama-server embeds texts, so that German and English
// texts of one meaning come near each other. No language model: a text's vector is the mean of its words' meanings,
// by weight.

import { bertKeys, blockTensors, inputTensors, pooling, width } from "./bert.ts";
import { gguf } from "./gguf.ts";
import { dims, embeddings, lexicon, tokenizer } from "./lexicon.ts";
import { zeros } from "./weights.ts";

/** The bytes of the model that embeds. */
export function magpie(): Uint8Array {
  const words = lexicon();
  const attention = ["attn_q", "attn_k", "attn_v", "attn_output"].map((name) =>
    zeros(`blk.0.${name}.weight`, width, width),
  );
  return gguf({ ...bertKeys("Magpie", 1, pooling.mean), ...tokenizer(words) }, [
    ...inputTensors(embeddings(words, width, width - dims)),
    ...blockTensors(0, attention, dims), // the filler is left out of the vector
  ]);
}
