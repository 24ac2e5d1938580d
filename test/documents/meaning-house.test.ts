// Search by meaning in a whole house: an answer cites a passage that has none of the question's words. If this fails, a
// house with a server that embeds answers as one without.

import { expect, test } from "bun:test";
import { sourcesIn } from "../../src/domain/part.ts";
import { PageClient } from "../house.ts";
import { startLlama, until } from "../llama/server.ts";
import { answerTo, documentFolder, houseWith, listenedLlama } from "./asking.ts";

test("a persona answers from what was found by meaning alone", async () => {
  const folder = documentFolder({
    "auto.txt": "Das Auto parkt am Haus.",
    "hund.txt": "Der Hund bellt im Garten.",
    "heizung.txt": "Die Heizung wird abgelesen.",
  });
  const llama = await listenedLlama();
  const magpie = await startLlama({ model: "magpie" });
  const house = await houseWith(folder, { llama: llama.url, embed: magpie.url, bounds: { embedMs: 20_000 } });
  try {
    house.app.begin();
    const { vectors } = house.store.documents;
    await until(async () => (await vectors.documents(1, 0, 9)).length === 3, "all documents are embedded");
    const documents = await (await fetch(`${house.url}/documents`)).text();
    expect(documents).toContain("Passages are found by their words and by their meaning (magpie.gguf).");
    const admin = await (await fetch(`${house.url}/admin`)).text();
    expect(admin).toMatch(/magpie\.gguf.{0,80}<span class="note"> · finds passages by their meaning/);
    const page = await new PageClient(house).ready();
    await until(async () => {
      await answerTo(page, "Wo ist mein Fahrzeug?");
      return llama.asked.length > 0;
    }, "something is found");
    const { thread } = await house.store.thread(page.conversation, { limit: 2 });
    const parts = thread.at(-1)?.message.parts ?? [];
    expect(sourcesIn(parts)[0]?.document).toBe("auto.txt");
    expect(llama.asked[0]?.messages.at(-1)?.content).toContain("Das Auto parkt am Haus.");
    page.close();
  } finally {
    await house.stop();
    await magpie.stop();
    await llama.stop();
  }
});
