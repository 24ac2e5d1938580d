// The house rules that a program can check: floors, lengths, openings, dead files, tables that are true.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { markdownTable } from "../src/config/help.ts";
import { en } from "../views/words/en.ts";

const root = join(import.meta.dir, "..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const below = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
const isCode = (file: string): boolean => /\.tsx?$/.test(file) && !file.endsWith(".d.ts");
const ours = [...below("src"), ...below("views")].filter(isCode);
const everything = [...ours, ...below("test"), ...below("bench")].filter(isCode);

/** Files of ours that a file imports, as paths from the root. */
function importsOf(file: string): string[] {
  return [
    ...read(file).matchAll(
      /^(?:import|export)\b[^;]*?from "(\.[^"]+)"|^import "(\.[^"]+)"|await import\("(\.[^"]+)"\)/gm,
    ),
  ].map(([, from, bare, later]) => normalize(join(dirname(file), (from ?? bare ?? later) as string)));
}

/** Files of an adapters' room that its contract consists of. */
const contracts = [
  "src/store/accounts.ts",
  "src/store/chooser.ts",
  "src/store/collections.ts",
  "src/store/documents.ts",
  "src/store/file-passages.ts",
  "src/store/files.ts",
  "src/store/ranges.ts",
  "src/store/sources.ts",
  "src/store/vectors.ts",
  "src/persona/effective-settings.ts",
  "src/upstream/meaning.ts",
];
const isContract = (file: string, room: string) => file.endsWith(`/${room}.ts`) || contracts.includes(file);

/** Floor of each room; what is not named here is a mistake. Contracts stand below their adapters. */
function floorOf(file: string): { floor: number; room: string } {
  const room = file.startsWith("views/") ? "views" : (file.split("/")[1] as string);
  if (["src/main.ts", "src/server/listen.ts"].includes(file) || room === "commands")
    return { floor: 5, room };
  if (room === "config") return { floor: 4.5, room };
  if (file === "src/app.ts" || room === "server") return { floor: 4, room };
  if (["live", "http", "programs"].includes(room)) return { floor: 3, room };
  if (file === "src/cluster/cluster.ts") return { floor: 1, room };
  if (file === "src/runs/runs.ts") return { floor: 1.2, room }; // its contract says what the Store stores
  if (["chat", "runs", "documents", "auth", "cluster", "views", "transfer"].includes(room))
    return { floor: 2, room };
  if (["store", "bus", "upstream", "persona"].includes(room))
    return { floor: isContract(file, room) ? 1 : 1.5, room };
  if (["domain", "telemetry", "postgres"].includes(room)) return { floor: 0, room };
  throw new Error(`${file} stands in no known room`);
}

describe("floors", () => {
  for (const file of ours) {
    test(`${file} imports nothing from above or beside`, () => {
      const from = floorOf(file);
      const wrong = importsOf(file).filter((target) => {
        if (target === "package.json") return file !== "src/main.ts";
        const to = floorOf(target);
        if (to.room === from.room || (from.floor === 4 && to.floor === 4)) return false;
        if (from.floor === 5) return false;
        if (from.floor === 4.5 && to.floor === 4.5) return false; // the table, how it is read and how it is shown
        if (from.floor === 4.5 || from.floor === 1.5) return to.floor !== 0; // config and adapters: domain and telemetry only
        if (to.floor === 1.5) return true; // adapters are main's choice
        if (["views", "transfer"].includes(from.room)) return to.room !== "domain";
        return to.floor >= from.floor;
      });
      expect(wrong).toEqual([]);
    });
  }

  test("one file imports eventsource-parser, one knows htmx's swap words, raw HTML is made in few places", () => {
    expect(ours.filter((file) => read(file).includes('"eventsource-parser"'))).toEqual([
      "src/upstream/sse.ts",
    ]);
    expect(ours.filter((file) => /import \{.*\bSQL\b.*\} from "bun"/.test(read(file))).sort()).toEqual([
      "src/postgres/connection.ts",
      "src/postgres/listener.ts",
    ]);
    expect(ours.filter((file) => read(file).includes('"unpdf"'))).toEqual(["src/documents/extract/pdf.ts"]);
    expect(ours.filter((file) => /"(prom-client|openid-client)"/.test(read(file))).sort()).toEqual([
      "src/auth/oidc.ts",
      "src/telemetry/metrics.ts",
    ]);
    expect(ours.filter((file) => /hx-partial|hx-swap=\$/.test(read(file)))).toEqual(["views/frame.ts"]);
    expect(ours.filter((file) => /\braw\(/.test(read(file))).sort()).toEqual([
      "views/acts.tsx",
      "views/composer.tsx",
      "views/message.tsx",
    ]);
  });
});

describe("files", () => {
  for (const file of everything) {
    test(`${file} opens with what it is, and is not two things`, () => {
      const lines = read(file).split("\n");
      expect(lines[0]).toMatch(/^\/\/ /);
      if (ours.includes(file)) expect(lines.length - 1).toBeLessThanOrEqual(250);
      expect(file).not.toMatch(/\b(utils?|helpers?|common|types|index)\b\.tsx?$/);
    });
  }

  test("no line is longer than 110 characters, but for a literal that can't be broken", () => {
    const literal = /(["'`]).{40,}\1|\/.{60,}\//;
    const long = ours.flatMap((file) =>
      read(file)
        .split("\n")
        .flatMap((line, i) => (line.length > 110 && !literal.test(line) ? [`${file}:${i + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });

  test("nothing is exported that no other file uses, and no header names who uses it", () => {
    const texts = new Map(everything.map((file) => [file, read(file)]));
    const words = new Map([...texts].map(([file, text]) => [file, new Set(text.match(/\w+/g))]));
    const idle = ours.flatMap((file) =>
      [
        ...(texts.get(file) ?? "").matchAll(
          /^export (?:async |abstract )?(?:const|let|function|class|interface|type) (\w+)/gm,
        ),
      ]
        .map(([, name]) => name as string)
        .filter((name) => ![...words].some(([other, known]) => other !== file && known.has(name)))
        .map((name) => `${file}: ${name}`),
    );
    expect(idle).toEqual([]);
    const header = (file: string) => /^(?:\/\/.*\n)+/.exec(read(file))?.[0] ?? "";
    expect(ours.filter((file) => /\b(Used|Called|Made|Imported) by\b/.test(header(file)))).toEqual([]);
  });

  test("every file is used", () => {
    const reached = new Set<string>();
    const walk = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      if (isCode(file)) importsOf(file).forEach(walk);
    };
    for (const entry of [
      "src/main.ts",
      "src/transfer/worker.ts",
      "src/documents/child.ts",
      "src/documents/vector-worker.ts",
    ])
      walk(entry);
    for (const file of below("views/assets"))
      if (read("views/assets/pack.ts").includes(`"${file.split("/").at(-1)}"`)) reached.add(file);
    const dead = [...below("src"), ...below("views")].filter(
      (file) => !reached.has(file) && !file.endsWith(".d.ts") && !file.endsWith("/DESIGN.md"),
    );
    expect(dead).toEqual([]);
  });

  test("no default exports, no unfinished business, no sleeping tests", () => {
    const unfinished = new RegExp(
      ["TO" + "DO", "FIX" + "ME", "X" + "XX", "@ts-" + "ignore", "\\bas a" + "ny\\b"].join("|"),
    );
    for (const file of everything) {
      expect(read(file)).not.toMatch(/^export default/m);
      expect({ file, found: unfinished.exec(read(file))?.[0] }).toEqual({ file, found: undefined });
    }
    for (const file of everything.filter((name) => name.startsWith("test/"))) {
      expect({
        file,
        sleeps: /Bun\.sleep\(|setTimeout\(\w+, *\d{3,}/.test(read(file).replaceAll("Bun\\.sleep", "")),
      }).toEqual({ file, sleeps: false });
    }
  });
});

/** Every paper of ours; what personas say is none. */
const papers = [...readdirSync(root), ...["src", "views", "docs", "bench", "test"].flatMap(below)].filter(
  (file) => file.endsWith(".md") && !file.startsWith("src/persona/shipped/"),
);
/** A paper without what stands in blocks of code. */
const prose = (file: string): string => read(file).replace(/^```.*?^```/gms, "");
/** The name of a heading in an address, as GitHub makes it. */
const anchor = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");

describe("papers", () => {
  test("the table of docs/operate/options.md is the one that config makes (else: make options)", () => {
    expect(read("docs/operate/options.md")).toEndWith(`\n\n${markdownTable()}\n`);
  });

  test("make targets that papers name exist", () => {
    const targets = new Set(
      [...read("Makefile").matchAll(/^([a-z-]+):/gm)].map(([, name]) => name as string),
    );
    for (const file of papers)
      for (const [, name] of read(file).matchAll(/(?:^|`)make ([a-z]+)/gm))
        expect({ file, name, exists: targets.has(name as string) }).toEqual({ file, name, exists: true });
  });

  test("files that papers name exist", () => {
    const named = papers
      .filter((file) => file !== "CHANGELOG.md")
      .flatMap((file) => {
        const paths = read(file).matchAll(/`((?:src|views|test|bench|docs)\/[\w./-]+\.\w+)`/g);
        // a design note names its neighbours
        const beside = file.endsWith("/DESIGN.md") ? read(file).matchAll(/`([\w-]+\.tsx?)`/g) : [];
        return [
          ...[...paths].map(([, name]) => ({ file, name: name as string })),
          ...[...beside].map(([, name]) => ({ file, name: join(dirname(file), name as string) })),
        ];
      });
    expect(named.length).toBeGreaterThan(80);
    expect(named.filter(({ name }) => !existsSync(join(root, name)))).toEqual([]);
  });

  test("links between papers lead to files, and to headings in them", () => {
    const links = papers.flatMap((file) =>
      [...prose(file).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([, to, heading]) => ({
        file,
        to: to as string,
        heading,
      })),
    );
    expect(links.length).toBeGreaterThan(20);
    const wrong = links.filter(({ file, to, heading }) => {
      const target = to === "" ? file : normalize(join(dirname(file), to));
      if (!existsSync(join(root, target))) return true;
      return (
        heading !== undefined &&
        ![...prose(target).matchAll(/^#+ (.*)$/gm)].some(([, text]) => anchor(text as string) === heading)
      );
    });
    expect(wrong).toEqual([]);
  });

  test("README and ARCHITECTURE are read to their end: at most 100 and 120 lines", () => {
    const lines = (file: string) => read(file).trimEnd().split("\n");
    expect(lines("README.md").length).toBeLessThanOrEqual(100);
    expect(lines("ARCHITECTURE.md").length).toBeLessThanOrEqual(120);
    expect(lines("ARCHITECTURE.md").filter((line) => line.length > 110)).toEqual([]);
  });

  test("labels in docs/use are those of the page", () => {
    const labels = new Set(
      [en, en.house, ...Object.values({ ...en, ...en.house })].flatMap((each) =>
        typeof each === "object" && each ? Object.values(each) : [],
      ),
    );
    const named = [...prose("docs/use/README.md").matchAll(/(?<!\*)\*([^*]+)\*(?!\*)/g)].map(([, label]) =>
      (label as string).replace(/\s+/g, " "),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((label) => label !== "italics" && !labels.has(label))).toEqual([]);
  });

  test("each promise of docs/develop/promises.md is cited by a test, and no test cites another", () => {
    const promised = [...read("docs/develop/promises.md").matchAll(/^- \*\*([A-Z]\d+)\*\* /gm)].map(
      ([, id]) => id as string,
    );
    const cited = below("test")
      .filter(isCode)
      .flatMap((file) => {
        const header = read(file).split(/^(?!\/\/)/m)[0] as string;
        const names = [...read(file).matchAll(/\b(?:test|describe)\("((?:[A-Z]\d+(?:, )?)+): /g)].map(
          ([, ids]) => ids,
        );
        return [...header.matchAll(/^\/\/ Promises: (.*)\.$/gm)]
          .map(([, ids]) => ids)
          .concat(names)
          .flatMap((ids) => (ids as string).split(", "));
      });
    expect(promised.length).toBeGreaterThan(30);
    expect(promised.length).toBe(new Set(promised).size);
    expect(promised.filter((id) => !cited.includes(id))).toEqual([]);
    expect(cited.filter((id) => !promised.includes(id))).toEqual([]);
  });
});
