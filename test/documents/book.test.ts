// A real book of 276 pages as PDF, beside the plain text of the same book: Debian's reference in German. If this
// fails, real documents lose words that small ones made by hand do not.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Extractor } from "../../src/documents/extractor.ts";
import { bounds } from "./fixtures.ts";

const folder = join(import.meta.dir, "../../.cache/debian-reference-de");
const docs = join(folder, "usr/share/debian-reference");

/** Fetches and unpacks Debian's package; says why that is not possible. */
async function fetched(): Promise<string | null> {
  if (existsSync(docs)) return null;
  if (!Bun.which("apt-get") || !Bun.which("dpkg-deb")) return "apt-get and dpkg-deb are not here";
  mkdirSync(folder, { recursive: true });
  const command = ["apt-get", "download", "-o", "APT::Sandbox::User=root", "debian-reference-de"];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: folder, timeout: 60_000 });
  if (exitCode !== 0) return `apt-get download failed: ${stderr.toString().trim().split("\n").at(-1)}`;
  const [deb] = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  const unpacked = Bun.spawnSync(["dpkg-deb", "-x", deb ?? "", "."], { cwd: folder, timeout: 60_000 });
  return unpacked.exitCode === 0 && existsSync(docs) ? null : "the package could not be unpacked";
}

const missing = await fetched();
if (missing !== null) console.warn(`test/documents/book.test.ts is skipped: ${missing}`);

test.skipIf(missing !== null)("every page of a real book, and nearly every word of it", async () => {
  const bytes = Bun.file(join(docs, "debian-reference.de.pdf"));
  const { pages, title, picturePages } = await new Extractor(bounds).extract(bytes.stream(), "book.pdf");
  expect(pages.length).toBeGreaterThan(250);
  expect(pages.map(({ page }) => page)).toEqual(pages.map((_, i) => i + 1));
  expect(title ?? "").toContain("Debian");
  expect(picturePages.length).toBeLessThan(5);
  const words = (text: string) => new Set(text.toLowerCase().match(/\p{L}{4,}/gu));
  const found = words(pages.map(({ text }) => text).join("\n"));
  const plain = join(docs, "debian-reference.de.txt.gz");
  const expected = [...words(gunzipSync(await Bun.file(plain).bytes()).toString())];
  expect(expected.length).toBeGreaterThan(5_000);
  expect(expected.filter((word) => found.has(word)).length / expected.length).toBeGreaterThan(0.95);
});
