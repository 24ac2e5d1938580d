// The curl commands of docs/clients, run as they stand there. If this fails, what people copy from the papers does
// not work.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localPerson } from "../../src/domain/account.ts";
import { pdf } from "../documents/fixtures.ts";
import { type House, startHouse } from "../house.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";

const paper = readFileSync(join(import.meta.dir, "../../docs/clients/README.md"), "utf8");
/** Commands, each with what its comment says that it answers. */
const commands = [...paper.matchAll(/^(curl .*?)(?: +# (.*))?$/gm)].map(([, command = "", said = ""]) => ({
  command,
  said,
}));

const folder = mkdtempSync(join(tmpdir(), "parlor-curl-"));
let llama: Llama;
let house: House;
beforeAll(async () => {
  llama = await startLlama();
  house = await startHouse({ llama: llama.url });
  await until(() => house.upstream.state.status === "ready", "the house sees llama-server");
  writeFileSync(join(folder, "notes.md"), "# Notes\n\nThe laundry closes at ten.");
  writeFileSync(join(folder, "lease.pdf"), pdf([[["The notice period is three months.", 0]]]));
});
afterAll(async () => {
  await house.stop();
  await llama.stop();
});

/** Runs a command as a shell does; what it printed. It fails where the answer is a refusal. */
async function run(command: string): Promise<string> {
  const shell = ["sh", "-c", command.replace("curl ", "curl -sSf ")];
  const started = Bun.spawn(shell, { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [printed, complaint] = await Promise.all([
    new Response(started.stdout).text(),
    new Response(started.stderr).text(),
  ]);
  expect({ command, complaint, code: await started.exited }).toEqual({ command, complaint: "", code: 0 });
  return printed;
}

test.skipIf(Bun.which("curl") === null)("each does what its comment says", async () => {
  expect(commands.length).toBeGreaterThanOrEqual(7);
  let [file, collection] = ["", ""];
  for (const { command, said } of commands) {
    const isOfCollection = command.includes("/collections/ID");
    const printed = await run(
      command.replace("http://127.0.0.1:8081", house.url).replace("ID", isOfCollection ? collection : file),
    );
    if (command.includes("/files ")) file = (JSON.parse(printed) as { id: string }).id;
    if (command.includes("/collections ")) collection = (JSON.parse(printed) as { id: string }).id;
    if (command.includes("/documents "))
      await until(async () => {
        const [only] = await house.store.collections.reachable(localPerson);
        return only?.documents === 1;
      }, "the document is read");
    if (!said.startsWith("→ ")) expect(printed).toMatch(/^(?!.*\[ERROR\]).{20}/s);
    else {
      const [, name = "", value = ""] = /"(name|state|document)":"(.*?)"/.exec(said) ?? [];
      expect([JSON.parse(printed)].flat()[0]).toMatchObject({ [name]: value });
    }
  }
});
