// The hash by which documents are compared.

/** SHA-256 of bytes that arrive in pieces, in hexadecimal digits. */
export async function hashOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const piece of pieces) hasher.update(piece);
  return hasher.digest("hex");
}
