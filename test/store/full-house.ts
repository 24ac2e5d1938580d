// A house with rows of every kind: people, branches, files, documents, vectors, and what was deleted.

import { indexedPassages } from "../../src/documents/indexing.ts";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { newId, type PersonId } from "../../src/domain/id.ts";
import type { QueuedRun, Store } from "../../src/store/store.ts";
import { doneEnding, draft, parts } from "../contract/ending.ts";
import { putDocument } from "../documents/put.ts";

const by = (owner: PersonId) => ({ owner, limits: standardLimits.admin, queueMaxRuns: 1_000 });

async function* arriving(text: string): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += 65_521) yield Buffer.from(text.slice(at, at + 65_521));
}

/** Fills an empty Store. `size` multiplies conversations, and passages twice. Returns the collection `lease`. */
export async function fillHouse(store: Store, size = 1): Promise<string> {
  const ann = (await store.people.add({ name: "Änn", role: "member", password: "hash", subject: "sub" })).id;
  const gone = (await store.people.add({ name: "gone", role: "guest", password: null })).id;
  await store.people.change(gone, { removed: true, ownLimits: { weight: 0.5, tokensPerDay: 9 } });
  await store.people.setRoleLimits("guest", { ...standardLimits.guest, runsPerMinute: 3 });
  const later = Date.now() + 3_600_000;
  await store.sessions.open("hash", { person: ann, address: "::1", agent: "Firefox", expiresAt: later });
  await store.sessions.invite("invited", { role: "guest", person: null, expiresAt: later });
  await store.keys.add("key", { person: ann, name: "script", scopes: ["documents"] });
  await store.settings.set("llama", '["http://127.0.0.1:1"]');
  await store.audit.note({ actor: ann, act: "role_changed", subject: gone, address: "::1" });
  await store.usage.take("sign-in:::1", { capacity: 7, everyMs: 1_000 });
  await store.usage.keepShares({ floor: 1.25, had: new Map([[ann, 17.5]]) });
  for (let i = 0; i < 20 * size; i++) await talk(store, i % 2 === 0 ? ann : localPerson, i);
  await deleteSome(store, ann);
  await ask(store, ann, "It waits in the queue.");
  return await shelve(store, size);
}

/** A conversation with two branches, the second of which is continued. */
async function talk(store: Store, owner: PersonId, n: number): Promise<QueuedRun> {
  const first = await ask(store, owner, `What does number ${n} say about Grüße and the naïve café?`);
  await answer(store, first, `Number ${n} says: "it's 100 % \\u0000 \u{1f600} strasse, Straße, İstanbul."`);
  const { conversation, id: message } = first.answer;
  const again = await store.retry({ ...by(owner), conversation, message, withoutDocuments: true });
  await answer(store, again, "Another answer.");
  await store.setSettings(conversation, { persona: "cook", sampling: { temperature: 0.5 }, model: "m" });
  if (n % 3 === 0) await store.pin(conversation, true);
  if (n % 4 === 0) await store.rename(conversation, `Renamed ${n}`);
  if (n % 5 === 0)
    await store.links.add({
      ...{ token: newId(), conversation, createdAt: Date.now(), expiresAt: null, showsSources: true },
    });
  return again;
}

/** A question that waits. */
export async function ask(store: Store, owner: PersonId, text: string, files?: string[]): Promise<QueuedRun> {
  const question = { conversation: newId(), message: newId(), text, ...(files && { files }) };
  return (await store.say({ ...question, ...by(owner) })) as QueuedRun;
}

async function answer(store: Store, { run }: QueuedRun, text: string): Promise<void> {
  await store.start(run.id);
  const found = { passage: newId(), document: "lease.md", page: 2, headings: ["Notice"], text: "passage" };
  const sources = (await store.sources.add(run.id, [found])) ?? [];
  const ending = { ...doneEnding, parts: [...sources, ...parts(text, "a thought")] };
  await store.end(run.id, { ...ending, stats: { promptTokens: 12 } });
}

/** Some is deleted, some of it for good; one answer is being written. */
async function deleteSome(store: Store, owner: PersonId): Promise<void> {
  const removed = await talk(store, owner, 1_001);
  await store.remove(removed.answer.conversation);
  const pruned = await talk(store, owner, 1_002);
  await store.prune(pruned.answer.conversation, pruned.answer.id);
  const forgotten = await talk(store, owner, 1_003);
  await store.forget(forgotten.answer.conversation);
  const running = await ask(store, owner, "It is being answered.");
  await store.start(running.run.id);
  await store.checkpoint([draft(running.run.id, "half an ans", "thinking", 512)]);
}

/** Files, collections, passages, vectors. */
async function shelve(store: Store, size: number): Promise<string> {
  const put = (name: string, text: string) =>
    store.files.add(
      {
        ...{ id: newId(), owner: localPerson, name, type: "pdf", mediaType: "application/pdf" },
        ...{ ownerMaxBytes: 1 << 30, picturePages: [2] },
        pages: [{ page: 1, text: `${name} has ${text.slice(0, 50)}` }],
        pictures: new Map([[2, Uint8Array.from([255, 216, 0, 1, 128])]]),
      },
      arriving(text),
    );
  const sent = await put("kept.pdf", "kept ".repeat(120_000));
  const twin = await put("twin.pdf", "kept ".repeat(120_000));
  await put("unsent.pdf", "unsent");
  await answer(store, await ask(store, localPerson, "What is in it?", [sent.id, twin.id]), "Words.");
  await store.files.passages.collectionOf(sent.id);
  const lost = await put("lost.pdf", "lost ".repeat(120_000));
  await store.files.remove(localPerson, lost.id);
  const lease = await store.collections.add(null, "lease", "/files/lease");
  const text = Array.from(
    { length: 40 * size * size },
    (_, i) =>
      `# Chapter ${i}\n\nKündigungsfrist number${i}: three months to the end of ${"a quarter ".repeat(40)}.`,
  ).join("\n\n");
  const read = { type: "markdown" as const, title: "Lease", pages: [{ page: 1, text }] };
  await putDocument(store, lease.id, { path: "a.md", hash: "1" }, indexedPassages("a.md", read));
  await putDocument(store, lease.id, { path: "b.md", hash: "2" }, indexedPassages("b.md", read));
  await store.documents.forget(lease.id, "b.md");
  const refused = await store.documents.begin(lease.id, { path: "c.pdf", hash: "3", bytes: 7, file: null });
  await store.documents.refuse(refused, { code: "file_unreadable", facts: {} });
  await store.documents.begin(lease.id, { path: "d.pdf", hash: "4", bytes: 7, file: null });
  const model = await store.documents.vectors.model({ name: "bert", prefix: "passage: ", dims: 3 });
  for (;;) {
    const lacking = await store.documents.vectors.lacking(model, 100);
    if (lacking.length === 0) return lease.id;
    const values = Int8Array.of(1, -128, 127);
    const vectors = lacking.map(({ passage }, i) => ({ passage, scale: 0.1 + i, values }));
    await store.documents.vectors.add(model, vectors);
  }
}
