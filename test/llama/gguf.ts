// Writes a GGUF file (version 3): header, typed keys, tensor infos, aligned data. Knows the format, not the model.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.

const alignment = 32;
const type = { u32: 4, f32: 6, bool: 7, string: 8, array: 9, i32: 5 } as const;

export type Value =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] };

export interface Tensor {
  readonly name: string;
  /** Innermost first, as GGUF has them. */
  readonly shape: readonly number[];
  /** Single precision, or half of it. */
  readonly data: Float32Array | Uint16Array;
}

/** The bytes of a GGUF file with F32 and F16 tensors. */
export function gguf(keys: Readonly<Record<string, Value>>, tensors: readonly Tensor[]): Uint8Array {
  const out = new Writer();
  out.bytes(new TextEncoder().encode("GGUF")).u32(3).u64(tensors.length).u64(Object.keys(keys).length);
  for (const [name, value] of Object.entries(keys)) {
    out.string(name);
    writeValue(out, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    out.string(tensor.name).u32(tensor.shape.length);
    for (const size of tensor.shape) out.u64(size);
    out.u32(tensor.data instanceof Float32Array ? 0 : 1).u64(offset); // 0: F32, 1: F16
    offset += Math.ceil(tensor.data.byteLength / alignment) * alignment;
  }
  for (const tensor of tensors)
    out
      .align(alignment)
      .bytes(new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
  return out.align(alignment).result();
}

function writeValue(out: Writer, value: Value): void {
  if ("u32" in value) out.u32(type.u32).u32(value.u32);
  else if ("f32" in value) out.u32(type.f32).f32(value.f32);
  else if ("bool" in value) out.u32(type.bool).u8(value.bool ? 1 : 0);
  else if ("string" in value) out.u32(type.string).string(value.string);
  else if ("strings" in value) {
    out.u32(type.array).u32(type.string).u64(value.strings.length);
    for (const each of value.strings) out.string(each);
  } else if ("floats" in value) {
    out.u32(type.array).u32(type.f32).u64(value.floats.length);
    for (const each of value.floats) out.f32(each);
  } else {
    out.u32(type.array).u32(type.i32).u64(value.ints.length);
    for (const each of value.ints) out.u32(each);
  }
}

/** A little-endian buffer that grows. */
class Writer {
  #buffer = new Uint8Array(1 << 20);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  #room(size: number): number {
    if (this.#at + size > this.#buffer.length) {
      const bigger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#at + size));
      bigger.set(this.#buffer);
      this.#buffer = bigger;
      this.#view = new DataView(bigger.buffer);
    }
    const at = this.#at;
    this.#at += size;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: number): this {
    const at = this.#room(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  f32(value: number): this {
    const at = this.#room(4);
    this.#view.setFloat32(at, value, true);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  string(value: string): this {
    const encoded = new TextEncoder().encode(value);
    return this.u64(encoded.length).bytes(encoded);
  }

  align(to: number): this {
    this.#room((to - (this.#at % to)) % to);
    return this;
  }

  result(): Uint8Array {
    return this.#buffer.subarray(0, this.#at);
  }
}
