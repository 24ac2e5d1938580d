// Files as answers: how a browser takes them, and their content piece by piece.

/** The body of an answer. Its rest is not read when the connection ends. */
export function bodyOf(content: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = content[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}

/** `Content-Disposition` of a file with this name, which may hold any character (RFC 6266, RFC 8187). */
export function attachmentNamed(name: string): string {
  const plain = name
    .replace(/[\\/:*?"<>|\p{Cc}]/gu, " ")
    .trim()
    .toWellFormed();
  return `attachment; filename*=UTF-8''${encodeURIComponent(plain).replace(/['()]/g, escape)}`;
}
