// Recordings for tests, made in the format that is asked for: a tone as WAV, silence as MP3 and FLAC.

const rate = 16_000;

/** About a second. */
export const recording = (format: "wav" | "mp3" | "flac"): Uint8Array =>
  format === "wav" ? wav() : format === "mp3" ? mp3() : flac();

/** https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html; `packing` is the code of the samples' format. */
export function wav(packing = 1): Uint8Array {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + 2 * rate, 4);
  head.write("WAVEfmt ", 8);
  for (const [at, value] of [
    [16, 16],
    [24, rate],
    [28, 2 * rate],
    [40, 2 * rate],
  ] as const)
    head.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, packing],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    head.writeUInt16LE(value, at);
  head.write("data", 36);
  const samples = Int16Array.from({ length: rate }, (_, i) => 8_000 * Math.sin(i / 5));
  return Buffer.concat([head, new Uint8Array(samples.buffer)]);
}

/** Frames of MPEG-1 layer III, 128 kbit/s, 44.1 kHz, mono, whose bits are all zero. */
function mp3(): Uint8Array {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0xc0]);
  return Buffer.concat(Array.from({ length: 40 }, () => frame));
}

/** RFC 9639: blocks of 4,096 samples that are all the same. */
function flac(): Uint8Array {
  const info = Buffer.alloc(42);
  info.write("fLaC", 0);
  info.set([0x80, 0, 0, 34, 0x10, 0, 0x10, 0], 4);
  info.writeUInt32BE((rate << 12) | (15 << 4), 18);
  info.writeUInt32BE(4 * 4_096, 22);
  const frames = [0, 1, 2, 3].map((n) => {
    const head = [0xff, 0xf8, 0xc5, 0x08, n];
    const frame = [...head, checksum(head, 8, 0x07), 0, 0, 0];
    const sum = checksum(frame, 16, 0x8005);
    return Buffer.from([...frame, sum >> 8, sum & 0xff]);
  });
  return Buffer.concat([info, ...frames]);
}

function checksum(bytes: readonly number[], bits: 8 | 16, polynomial: number): number {
  const top = 1 << (bits - 1);
  const mask = 2 * top - 1;
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << (bits - 8);
    for (let i = 0; i < 8; i++) sum = (sum & top ? (sum << 1) ^ polynomial : sum << 1) & mask;
  }
  return sum;
}
