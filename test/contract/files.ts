// What every Store must do with files: keep content once, give it to nobody else, and forget it whole.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { Failure } from "../../src/domain/failure.ts";
import type { StoredFile } from "../../src/domain/file.ts";
import { newId } from "../../src/domain/id.ts";
import { filesIn } from "../../src/domain/part.ts";
import type { QueuedRun, Store } from "../../src/store/store.ts";
import { seeded } from "../seeded.ts";
import { doneEnding } from "./ending.ts";

const by = { owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 10 };

/** Bytes that hold no two equal pieces. */
function bytesOf(length: number, seed = 1): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

/** Bytes as they come over the network: cut anywhere. */
async function* arriving(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_521) yield bytes.subarray(at, at + 65_521);
}

/** Tests the files of a Store that `open` makes empty. */
export function filesContract(name: string, open: () => Promise<Store>): void {
  describe(`Store, files: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const put = (bytes: Uint8Array, owner = localPerson, name = "notes.txt"): Promise<StoredFile> =>
      store.files.add(
        {
          ...{ id: newId(), owner, name, type: "text", mediaType: "text/plain", ownerMaxBytes: 1 << 30 },
          pages: [{ page: 1, text: "Notes" }],
        },
        arriving(bytes),
      );
    const contentOf = async (id: string): Promise<Uint8Array> =>
      new Uint8Array(Buffer.concat(await Array.fromAsync(store.files.content(id))));
    const say = async (files?: readonly string[], more: object = {}): Promise<QueuedRun> => {
      const question = { conversation: newId(), message: newId(), text: "What is this?", ...by };
      const said = (await store.say({ ...question, ...(files && { files }), ...more })) as QueuedRun;
      await store.end(said.run.id, doneEnding);
      return said;
    };
    const codeOf = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => "none",
        (error: unknown) => (error instanceof Failure ? error.code : String(error)),
      );

    for (const length of [1, 256 * 1024, 256 * 1024 + 1, 1_000_000])
      test(`${length} bytes come back as they were`, async () => {
        const bytes = bytesOf(length);
        const file = await put(bytes);
        expect(file).toMatchObject({ owner: localPerson, name: "notes.txt", bytes: length, pages: 1 });
        expect(await store.files.file(file.id)).toEqual(file);
        expect(await contentOf(file.id)).toEqual(bytes);
      });

    test("an unknown file is none", async () => {
      expect(await store.files.file(newId())).toBeNull();
      expect(await contentOf(newId())).toEqual(new Uint8Array(0));
    });

    test("the same content of two people is two files; one that goes leaves the other", async () => {
      const bytes = bytesOf(300_000);
      const [mine, yours] = [await put(bytes), await put(bytes, "somebody-else", "other.txt")];
      expect(mine.id).not.toBe(yours.id);
      expect([
        await store.files.usedBytes(localPerson),
        await store.files.usedBytes("somebody-else"),
      ]).toEqual([300_000, 300_000]);
      expect(await store.files.remove("somebody-else", mine.id)).toBe(false);
      expect(await store.files.remove(localPerson, mine.id)).toBe(true);
      expect(await store.files.file(mine.id)).toBeNull();
      expect(await contentOf(yours.id)).toEqual(bytes);
    });

    test("what fails while it arrives leaves nothing", async () => {
      const broken = async function* () {
        yield bytesOf(500_000);
        throw new Failure("file_too_large");
      };
      const id = newId();
      const file = {
        id,
        owner: localPerson,
        name: "a",
        type: "text",
        mediaType: "text/plain",
        pages: [],
      } as const;
      expect(await codeOf(store.files.add({ ...file, ownerMaxBytes: 1 << 30 }, broken()))).toBe(
        "file_too_large",
      );
      expect(await store.files.file(id)).toBeNull();
      expect(await store.files.usedBytes(localPerson)).toBe(0);
    });

    test("files that come at once exceed a person's room as little as one after the other", async () => {
      const file = {
        owner: localPerson,
        name: "a",
        type: "text",
        mediaType: "text/plain",
        pages: [],
      } as const;
      const all = [1, 2, 3].map((seed) =>
        codeOf(store.files.add({ ...file, id: newId(), ownerMaxBytes: 700 }, arriving(bytesOf(300, seed)))),
      );
      expect((await Promise.all(all)).sort()).toEqual(["files_full", "none", "none"]);
      expect(await store.files.usedBytes(localPerson)).toBe(600);
    });

    test("a question has its files before its text, and only those of its owner", async () => {
      const [first, second] = [await put(bytesOf(10)), await put(bytesOf(20, 2), localPerson, "b.txt")];
      const { question } = await say([first.id, second.id]);
      expect(question?.parts.map(({ kind }) => kind)).toEqual(["file", "file", "text"]);
      expect(filesIn(question?.parts ?? []).map(({ file }) => file)).toEqual([first.id, second.id]);
      expect(question?.text).toBe("What is this?");
      const page = await store.thread(question?.conversation as string, { limit: 10 });
      expect(page.thread[0]?.message).toEqual(question as never);
      const foreign = await put(bytesOf(10, 3), "somebody-else");
      expect(await codeOf(say([foreign.id]))).toBe("not_found");
      expect(await codeOf(say([newId()]))).toBe("not_found");
    });

    test("the text of a file is given for the message that has it, and for no other", async () => {
      const file = await put(bytesOf(10));
      const { question } = await say([file.id]);
      const other = await say();
      expect(await store.files.pagesFor(question?.id as string, file.id)).toEqual([
        { page: 1, text: "Notes" },
      ]);
      expect(await store.files.pagesFor(other.question?.id as string, file.id)).toBeNull();
      const conversation = question?.conversation as string;
      expect(await store.files.isIn(conversation, file.id)).toBe(true);
      expect(await store.files.isIn(other.question?.conversation as string, file.id)).toBe(false);
      await store.remove(conversation);
      expect(await store.files.isIn(conversation, file.id)).toBe(false);
      await store.restore(conversation);
      expect(await store.files.isIn(conversation, file.id)).toBe(true);
    });

    test("pages without text, and their pictures, are given with the file; the same content has them once", async () => {
      const facts = {
        owner: localPerson,
        name: "a.pdf",
        type: "pdf",
        mediaType: "x/y",
        ownerMaxBytes: 1 << 30,
      } as const;
      const pages = [1, 2, 3, 4].map((page) => ({ page, text: page === 3 ? "Text" : "" }));
      const pictures = new Map([1, 2, 4].map((page) => [page, bytesOf(10, page)]));
      const add = () =>
        store.files.add(
          { id: newId(), ...facts, pages, picturePages: [1, 2, 4], pictures },
          arriving(bytesOf(10)),
        );
      const [file, other] = [await add(), await add()];
      expect(file.picturePages).toEqual([
        [1, 2],
        [4, 4],
      ]);
      const { question } = await say([file.id, other.id]);
      expect(filesIn(question?.parts ?? []).map(({ picturePages }) => picturePages)).toEqual([
        file.picturePages,
        file.picturePages,
      ]);
      for (const { id } of [file, other])
        expect([...(await store.files.picturesFor(question?.id as string, id, 2)).keys()]).toEqual([1, 2]);
      const [first] = (await store.files.picturesFor(question?.id as string, file.id, 1)).values();
      expect(first).toEqual(bytesOf(10, 1));
      expect((await store.files.picturesFor(newId(), file.id, 2)).size).toBe(0);
    });

    test("an edit keeps the files of its question, unless it brings others", async () => {
      const [first, second] = [await put(bytesOf(10)), await put(bytesOf(20, 2))];
      const { question } = await say([first.id]);
      const { conversation, id: edits } = question as { conversation: string; id: string };
      const kept = await say(undefined, { conversation, edits });
      expect(filesIn(kept.question?.parts ?? []).map(({ file }) => file)).toEqual([first.id]);
      const changed = await say([second.id], { conversation, edits });
      expect(filesIn(changed.question?.parts ?? []).map(({ file }) => file)).toEqual([second.id]);
    });

    test("a question of a file alone is titled by the file", async () => {
      const { question } = await say([(await put(bytesOf(10))).id], { text: "" });
      expect(question?.parts.map(({ kind }) => kind)).toEqual(["file"]);
      expect((await store.conversation(question?.conversation as string))?.title).toBe("notes.txt");
    });

    test("a file that a message has is not removed; it goes with its last message", async () => {
      const file = await put(bytesOf(10));
      const { question } = await say([file.id]);
      const { conversation, id: edits } = question as { conversation: string; id: string };
      await say(undefined, { conversation, edits });
      expect(await store.files.remove(localPerson, file.id)).toBe(false);
      await store.prune(conversation, edits);
      await store.purge(Date.now() + 1_000);
      expect(await store.files.file(file.id)).not.toBeNull();
      await store.forget(conversation);
      expect(await store.files.file(file.id)).toBeNull();
      expect(await store.files.usedBytes(localPerson)).toBe(0);
    });

    test("files that were never sent are removed after a time", async () => {
      const [sent, unsent] = [await put(bytesOf(10)), await put(bytesOf(20, 2))];
      await say([sent.id]);
      await store.files.removeUnsent(Date.now() - 60_000);
      expect(await store.files.file(unsent.id)).not.toBeNull();
      await store.files.removeUnsent(Date.now() + 1);
      expect(await store.files.file(unsent.id)).toBeNull();
      expect(await store.files.file(sent.id)).not.toBeNull();
    });

    test("a person who is erased takes their files with them, sent or not", async () => {
      const person = await store.people.add({ name: "Ada", role: "member", password: null });
      const [sent, unsent] = [await put(bytesOf(10), person.id), await put(bytesOf(20, 2), person.id)];
      await say([sent.id], { owner: person.id });
      await store.people.erase(person.id);
      for (const { id } of [sent, unsent]) expect(await store.files.file(id)).toBeNull();
      expect(await store.files.usedBytes(person.id)).toBe(0);
    });
  });
}
