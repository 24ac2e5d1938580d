// The files in a ZIP archive (PKWARE APPNOTE 6.3.10), as far as exports and documents need it: stored or
// deflated, also with 64-bit sizes. The size of an unpacked file is bounded while it is unpacked, since the
// archive may state a wrong one. Pure.

import { inflateRawSync } from "node:zlib";

/** An archive that can't be read, or a file in it. Its message is a sentence's end for people. */
export class ZipFault extends Error {
  readonly kind: "damaged" | "large" | "locked" | "unknown";

  constructor(kind: ZipFault["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface Packed {
  readonly name: string;
  /** @throws ZipFault where it can't be unpacked, or becomes larger than `maxBytes` */
  unpack(maxBytes: number): Uint8Array;
}

const [endOfList, endOfList64, listed, local] = [0x06054b50, 0x06064b50, 0x02014b50, 0x04034b50];
/** Longest comment behind the central directory, in bytes. */
const commentMaxBytes = 0xffff;
/** Files of an archive that are read; the rest is ignored. */
const filesMax = 100_000;
const in64Bits = 0xffffffff;

export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);

/**
 * The archive's files in the order of its central directory. @throws ZipFault when it is no archive, or is
 * cut off
 */
export function filesOf(bytes: Uint8Array): Packed[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: Packed[] = [];
  for (let [at, remaining] = listPlace(view); remaining > 0 && found.length < filesMax; remaining--) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== listed) throw damaged();
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      view.getUint16(at + field, true),
    ) as [number, number, number];
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const [packedBytes, offset] = sizes(view, at, at + 46 + nameLength, extraLength);
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    found.push({
      name,
      unpack: (maxBytes) =>
        unpack(bytes, view, { offset, packedBytes, method, isLocked: (flags & 1) === 1, maxBytes }),
    });
    at += 46 + nameLength + extraLength + commentLength;
  }
  return found;
}

const damaged = () => new ZipFault("damaged", "this ZIP archive is cut or damaged");

/** Where the central directory begins, and how many files it lists. */
function listPlace(view: DataView): [number, number] {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - commentMaxBytes); at--) {
    if (view.getUint32(at, true) !== endOfList) continue;
    const [total, offset] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)];
    if (offset !== in64Bits && total !== 0xffff) return [offset, total];
    const large = at >= 20 ? Number(view.getBigUint64(at - 20 + 8, true)) : view.byteLength;
    if (large + 56 > view.byteLength || view.getUint32(large, true) !== endOfList64) throw damaged();
    return [Number(view.getBigUint64(large + 48, true)), Number(view.getBigUint64(large + 32, true))];
  }
  throw damaged();
}

/** Packed size and offset. Numbers that do not fit into 32 bits stand in the extra field 1. */
function sizes(view: DataView, at: number, extraAt: number, extraLength: number): [number, number] {
  const short = {
    size: view.getUint32(at + 24, true),
    packed: view.getUint32(at + 20, true),
    offset: view.getUint32(at + 42, true),
  };
  for (
    let field = extraAt;
    field + 4 <= extraAt + extraLength && field + 4 <= view.byteLength;
    field += 4 + view.getUint16(field + 2, true)
  ) {
    if (view.getUint16(field, true) !== 1) continue;
    let next = field + 4;
    const long = (value: number) => {
      if (value !== in64Bits || next + 8 > view.byteLength) return value;
      next += 8;
      return Number(view.getBigUint64(next - 8, true));
    };
    long(short.size);
    return [long(short.packed), long(short.offset)];
  }
  return [short.packed, short.offset];
}

interface Place {
  readonly offset: number;
  readonly packedBytes: number;
  readonly method: number;
  readonly isLocked: boolean;
  readonly maxBytes: number;
}

function unpack(
  bytes: Uint8Array,
  view: DataView,
  { offset, packedBytes, method, isLocked, maxBytes }: Place,
): Uint8Array {
  if (isLocked) throw new ZipFault("locked", "it is locked by a password");
  if (offset + 30 > view.byteLength || view.getUint32(offset, true) !== local) throw damaged();
  const from = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (from + packedBytes > bytes.length) throw damaged();
  const packed = bytes.subarray(from, from + packedBytes);
  const tooLarge = () =>
    new ZipFault("large", `it is larger than ${Math.floor(maxBytes / (1 << 20))} MB when it is unpacked`);
  if (method === 0 && packed.length > maxBytes) throw tooLarge();
  if (method === 0) return packed;
  if (method !== 8) throw new ZipFault("unknown", "it is packed in a way that parlor does not know");
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    throw (error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" ? tooLarge() : damaged();
  }
}
