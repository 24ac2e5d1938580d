// Vectors from a llama-server.

import { Failure } from "../domain/failure.ts";
import type { Embedder, Embedding } from "./meaning.ts";
import { prefixesOf } from "./prefixes.ts";
import { type Specialist, Specialists } from "./specialists.ts";

/** Texts of one request at most; more go in several. */
const textsMax = 64;

interface Answer {
  model?: unknown;
  data?: unknown;
}

export class LlamaEmbedder extends Specialists implements Embedder {
  async embed(
    texts: readonly string[],
    kind: "question" | "passage",
    signal: AbortSignal,
  ): Promise<Embedding | null> {
    const found = this.find();
    if (found === null) return null;
    const supposed = found.model ?? found.llama.state.model ?? "";
    const prefixes = prefixesOf(supposed);
    // an empty text would get a vector, too
    const said = texts.flatMap((text, at) => (text.trim() === "" ? [] : [{ at, text }]));
    const vectors: (Float32Array | null)[] = texts.map(() => null);
    let [name, dims] = [supposed, 0];
    for (let from = 0; from < said.length; from += textsMax) {
      const some = said.slice(from, from + textsMax);
      const asked = some.map(({ text }) => prefixes[kind] + text);
      const made = await this.fitting(found, asked, "", signal, (input) => this.#ask(found, input, signal));
      // the server at this address may be another one by now
      name = made.name ?? supposed;
      if (prefixesOf(name)[kind] !== prefixes[kind] || (dims !== 0 && dims !== made.dims))
        throw new Failure("upstream_loading", { url: found.llama.target.url });
      dims = made.dims;
      some.forEach(({ at }, i) => {
        vectors[at] = made.vectors[i] ?? null;
      });
    }
    return dims === 0 ? null : { model: { name, prefix: prefixes.passage, dims }, vectors };
  }

  async #ask(found: Specialist, input: readonly string[], signal: AbortSignal) {
    const body = { input, encoding_format: "base64" };
    const answer = (await this.post(found, "/v1/embeddings", body, signal)) as Answer | null;
    const { model, data } = answer ?? {};
    const vectors = Array.isArray(data) ? data.map((each) => vectorOf(each?.embedding)) : [];
    const dims = vectors[0]?.length ?? 0;
    if (vectors.length !== input.length || dims === 0 || vectors.some((each) => each?.length !== dims))
      throw new Failure("upstream_garbled");
    // asked without a name, a server tells its own
    const name = found.model ?? (typeof model === "string" ? (model.split("/").at(-1) ?? null) : null);
    return { name, dims, vectors };
  }
}

/** Little-endian 32-bit floats in base64. */
function vectorOf(packed: unknown): Float32Array | null {
  if (typeof packed !== "string") return null;
  const bytes = Buffer.from(packed, "base64");
  if (bytes.length === 0 || bytes.length % 4 !== 0) return null;
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
