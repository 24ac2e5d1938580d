// Recognises recordings in the formats that llama-server decodes. They are kept as they are.

import { Failure } from "../domain/failure.ts";

/** Largest recording, in bytes: half an hour of MP3. A model gets it whole, in Base64. */
const audioMaxBytes = 25 << 20;
/** Codes of sample formats in a WAV file: PCM, floating point, and the extension of both. */
const wavFormats = [1, 3, 0xfffe];

/** The media type of a recording; null for any other file. */
export function audioTypeOf(bytes: Uint8Array): "audio/wav" | "audio/mpeg" | "audio/flac" | null {
  const head = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (head.startsWith("RIFF") && head.endsWith("WAVE")) return "audio/wav";
  if (head.startsWith("fLaC")) return "audio/flac";
  if (isTag(bytes) || isFrame(bytes)) return "audio/mpeg";
  return null;
}

/** @throws Failure `too_large`; `file_unsupported` for a WAV file with samples that are packed in another way */
export function refuseAudio(bytes: Uint8Array, name: string): void {
  if (bytes.length > audioMaxBytes) throw new Failure("too_large", { limitBytes: audioMaxBytes });
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = view.indexOf("fmt ", 12, "latin1");
  if (audioTypeOf(bytes) !== "audio/wav") return;
  if (format < 0 || format + 10 > bytes.length || !wavFormats.includes(view.readUInt16LE(format + 8)))
    throw new Failure("file_unsupported", { name });
}

/** True for the head of an ID3v2 tag, which has its version behind three letters. */
const isTag = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 3)).toString("latin1") === "ID3" && [2, 3, 4].includes(bytes[3] ?? 0);

/** True for the head of an MP3 frame: eleven bits of sync, a version, layer III, a bit rate, a sample rate. */
function isFrame([first = 0, second = 0, third = 0]: Uint8Array): boolean {
  const isSync = first === 0xff && (second & 0xe0) === 0xe0;
  const isLayer3 = (second & 0x18) !== 0x08 && (second & 0x06) === 0x02;
  return isSync && isLayer3 && third >> 4 !== 0 && third >> 4 !== 15 && (third & 0x0c) !== 0x0c;
}
