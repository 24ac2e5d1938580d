// The header that makes a browser save an answer as a file.

/** `Content-Disposition` of a file with this name, which may hold any character (RFC 6266, RFC 8187). */
export function attachmentNamed(name: string): string {
  const plain = name
    .replace(/[\\/:*?"<>|\p{Cc}]/gu, " ")
    .trim()
    .toWellFormed();
  return `attachment; filename*=UTF-8''${encodeURIComponent(plain).replace(/['()]/g, escape)}`;
}
