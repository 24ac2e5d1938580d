// A disk that fills up while an answer streams: what streams goes on, everything else says so, and all is well once there is room.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../../src/store/file.ts";
import { PageClient } from "../house.ts";
import { startLlama, until } from "../llama/server.ts";
import { shown, startParlor } from "./stage.ts";

const data = mkdtempSync(join(tmpdir(), "parlor-full-"));
const canMount =
  process.getuid?.() === 0 &&
  Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", data]).exitCode === 0;

// making a small file system needs root, which not everybody who runs the tests is
test.skipIf(!canMount)(
  "streams go on, readiness and new questions say it, and the file is sound",
  async () => {
    const llama = await startLlama();
    const parlor = await startParlor(["--llama", llama.url, "--poll-ms", "50"], {
      env: { PARLOR_DATA: data },
    });
    const ready = async () => (await fetch(`${parlor.url}/readyz`)).status;
    await until(async () => (await ready()) === 200, "it is ready");
    const page = await new PageClient(parlor).ready();
    page.say("long");
    await until(() => (page.last?.text.length ?? 0) > 500, "the answer has begun");
    const filler = join(data, "filler");
    for (let size = 1 << 20; size >= 512; size /= 2) {
      try {
        writeFileSync(filler, "x".repeat(size), { flag: "a" });
      } catch {} // no room for this much: half of it may fit
    }
    expect((await page.lastIs("done")).text).toBe(shown("long"));
    // what is loaded now shows the end too, though the Store does not have it yet
    const reloaded = await new PageClient(parlor, page.conversation).ready();
    expect((await reloaded.lastIs("done")).text).toBe(shown("long"));
    reloaded.close();
    expect(await ready()).toBe(503);
    expect(
      ((await (await fetch(`${parlor.url}/readyz`)).json()) as { reasons: string[] }).reasons.join(),
    ).toContain("can't be written");
    const other = await new PageClient(parlor).ready();
    other.say("is there room?");
    await until(
      () =>
        /the disk is full or read-only. Your text is kept/.test(other.element("notice").textContent ?? ""),
      "the page says it",
    );
    expect(other.articles()).toEqual([]);

    rmSync(filler);
    await until(async () => (await ready()) === 200, "there is room again");
    await until(() => parlor.log().includes("is stored after a retry"), "the answer is stored after all");
    other.say("twenty");
    await other.lastIs("done");
    const again = await new PageClient(parlor, page.conversation).ready();
    expect(again.last?.text).toBe(shown("long"));
    for (const each of [page, other, again]) each.close();
    await parlor.stop();
    expect(check(join(data, "parlor.db"))).toEqual([]);
    await llama.stop();
    Bun.spawnSync(["umount", data]);
  },
);
