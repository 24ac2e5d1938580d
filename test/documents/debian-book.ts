// A real book of 276 pages: Debian's reference in German, as PDF and as plain text, from Debian's package.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dir, "../../.cache/debian-reference-de");
const docs = join(folder, "usr/share/debian-reference");
export const book = {
  pdf: join(docs, "debian-reference.de.pdf"),
  text: join(docs, "debian-reference.de.txt.gz"),
} as const;

/** Fetches and unpacks Debian's package; says why that is not possible. */
export async function fetchBook(): Promise<string | null> {
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
