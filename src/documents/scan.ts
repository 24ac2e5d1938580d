// The inner loop of a search by meaning, in WebAssembly with SIMD: products of one vector of bytes with many.
//
//   (func (export "scan") (param $base i32) (param $n i32) (param $dims i32)
//     (param $query i32) (param $out i32)
//     (local $at i32) (local $sums v128) (local $a v128) (local $b v128)
//     (loop $vectors
//       (local.set $sums (v128.const i32x4 0 0 0 0))
//       (local.set $at (i32.const 0))
//       (loop $lanes
//         (local.set $a (v128.load (i32.add (local.get $base) (local.get $at))))
//         (local.set $b (v128.load (i32.add (local.get $query) (local.get $at))))
//         (local.set $sums (i32x4.add (local.get $sums) (i32x4.add
//           (i32x4.dot_i16x8_s
//             (i16x8.extend_low_i8x16_s (local.get $a)) (i16x8.extend_low_i8x16_s (local.get $b)))
//           (i32x4.dot_i16x8_s
//             (i16x8.extend_high_i8x16_s (local.get $a)) (i16x8.extend_high_i8x16_s (local.get $b))))))
//         (local.set $at (i32.add (local.get $at) (i32.const 16)))
//         (br_if $lanes (i32.lt_u (local.get $at) (local.get $dims))))
//       (i32.store (local.get $out) (; the sum of the four lanes of $sums ;))
//       (; $out + 4, $base + $dims, and again $n times ;)))
//
// The module has 215 bytes, so that it stands here as it is.

const code =
  "AGFzbQEAAAABCQFgBX9/f39/AAMCAQAFBgEBAYCABAcMAgFtAgAEc2NhbgAACqcBAaQBAgJ/A3sDQP0MAAAAAAAAAAAAAAAAAAAAACEHQQAhBgNA" +
  "IAAgBmr9AAQAIQggAyAGav0ABAAhCSAHIAj9hwEgCf2HAf26ASAI/YgBIAn9iAH9ugH9rgH9rgEhByAGQRBqIQYgBiACSQ0ACyAEIAf9GwAgB/0b" +
  "AWogB/0bAiAH/RsDamo2AgAgBEEEaiEEIAAgAmohACAFQQFqIQUgBSABSQ0ACws=";

/** Numbers of a vector that are taken at once: its length in memory is a multiple of this. */
export const lanes = 16;

interface Scan {
  readonly memory: WebAssembly.Memory;
  /**
   * Writes the products of `n` vectors from `base` on with the vector at `query` to `out`, as 32-bit numbers.
   * @param n at least 1
   * @param dims length of each vector in bytes, a multiple of `lanes`
   */
  scan(base: number, n: number, dims: number, query: number, out: number): void;
}

/** A memory of its own, with the scan over it. */
export function openScan(): Scan {
  const module = new WebAssembly.Module(Buffer.from(code, "base64"));
  const { m, scan } = new WebAssembly.Instance(module).exports;
  return { memory: m as WebAssembly.Memory, scan: scan as Scan["scan"] };
}
