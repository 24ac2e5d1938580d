// Personas from their files. If this fails, somebody is answered by another persona than the one whose file
// they edited.

import { beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makePersonaFolder, PersonaFolder } from "../../src/persona/folder.ts";
import { PersonaFault, parsePersona } from "../../src/persona/parse.ts";
import { openLog } from "../../src/telemetry/log.ts";

function folder(files: Record<string, string> = {}) {
  const path = mkdtempSync(join(tmpdir(), "parlor-personas-"));
  const lines: string[] = [];
  const personas = new PersonaFolder(
    path,
    openLog({ level: "info", format: "json", write: (line) => lines.push(line) }),
  );
  const write = (name: string, text: string) => Bun.write(join(path, name), text);
  return {
    path,
    personas,
    lines,
    write,
    filled: Promise.all(Object.entries(files).map(([name, text]) => write(name, text))),
  };
}

const persona = (front: string, body = "Sei kurz.") => `---\n${front}\n---\n${body}\n`;

test("a file can set every field of a persona", () => {
  const front = `name: Anna\ndescription: "knows: all"\nmodel: small\ntemperature: 0.5\ntop_p: 1\nmax_tokens: 200\nlanguage: pt-BR\ngreeting: Olá\nstarters:\n  - Um?\n  - Dois?\noverflow: refuse\nlist: things.csv`;
  expect(parsePersona("anna", persona(front))).toEqual({
    persona: {
      id: "anna",
      name: "Anna",
      description: "knows: all",
      prompt: "Sei kurz.\n\nAlways answer in Brazilian Portuguese, whatever language the question is in.",
      sampling: { temperature: 0.5, topP: 1, maxTokens: 200 },
      model: "small",
      language: "pt-BR",
      greeting: "Olá",
      starters: ["Um?", "Dois?"],
      overflow: "refuse",
    },
    list: "things.csv",
  });
});

test("grounding is one of three ways to check", () => {
  const groundingIn = (front: string) => parsePersona("clerk", persona(front)).persona.grounding;
  for (const way of ["strict", "cite", "off"] as const) expect(groundingIn(`grounding: ${way}`)).toBe(way);
  expect(groundingIn("name: Clerk")).toBeUndefined();
  for (const wrong of ["grounding: maybe", "grounding: Strict"])
    expect(() => groundingIn(wrong)).toThrow("grounding must be one of strict, cite, off");
  expect(() => groundingIn("grounding: true")).toThrow("grounding must be words");
});

test("documents are names of collections", () => {
  const documentsIn = (front: string) => parsePersona("clerk", persona(front)).persona.documents;
  expect(documentsIn("documents: [handbook, ' lease ']")).toEqual(["handbook", "lease"]);
  expect(documentsIn("documents: []")).toBeUndefined();
  expect(documentsIn("name: Clerk")).toBeUndefined();
  for (const wrong of ["documents: handbook", "documents: [1]", "documents: ['']"])
    expect(() => documentsIn(wrong)).toThrow("documents must be a list of names of collections");
});

test("only the two lines of --- are needed, with any line ending", () => {
  for (const text of ["---\n---\n", "---\n---", "\ufeff---\r\n---\r\n", "--- \nname: bare\n---   \n"]) {
    const { persona } = parsePersona("bare", text);
    expect({ ...persona }).toMatchObject({
      name: "bare",
      prompt: "",
      sampling: {},
      model: null,
      overflow: "drop",
      starters: [],
    });
  }
  expect(parsePersona("x", "---\nname: X\n---\nFirst\n---\nstill the prompt").persona.prompt).toBe(
    "First\n---\nstill the prompt",
  );
});

const refused: [string, RegExp][] = [
  ["You are helpful.", /^it must begin with its settings between two lines of ---$/],
  ["---\nname: open\n", /^it must begin with/],
  [persona("name: [1"), /^its settings are no YAML: /],
  [persona("- a\n- b"), /^its settings must be lines of `key: value`$/],
  [persona("temprature: 1"), /^temprature is no setting; there are name, description, /],
  [persona("temperature: 3"), /^temperature must be a number from 0 to 2$/],
  [persona("temperature: warm"), /^temperature must be a number/],
  [persona("max_tokens: 1.5"), /^max_tokens must be a number from 1/],
  [persona("name: 7"), /^name must be words; put them in quotes$/],
  [persona("starters: one"), /^starters must be a list/],
  [persona("overflow: forget"), /^overflow must be drop or refuse$/],
  [persona("language: not a language"), /^language must be a code/],
  [persona("list: ../secrets.txt"), /^list must be the name of a file in the same folder$/],
  [persona("list: /etc/passwd"), /^list must be/],
];
for (const [text, sentence] of refused) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused with a reason`, () => {
    const parse = () => parsePersona("x", text);
    expect(parse).toThrow(PersonaFault);
    expect(parse).toThrow(sentence);
  });
}

test("an invalid file is logged once for each of its states, and the other personas work", async () => {
  const { personas, lines, write, filled } = folder({
    "good.md": persona("name: Good"),
    "bad.md": persona("temperature: hot"),
    "notes.txt": "no persona",
  });
  await filled;
  for (let i = 0; i < 3; i++) expect((await personas.all()).map(({ name }) => name)).toEqual(["Good"]);
  expect(await personas.find("bad")).toBeNull();
  expect(lines.filter((line) => line.includes("temperature must be")).length).toBe(1);
  await write("bad.md", persona("temperature: 2 # better"));
  expect((await personas.all()).map(({ id }) => id)).toEqual(["bad", "good"]);
});

test("an edit of the file, or of its list, counts at once; a deleted file is no persona any more", async () => {
  const { path, personas, write, filled } = folder({
    "shop.md": persona("list: shop.csv", "Only these:\n{{list}}\nNo others."),
    "shop.csv": "a;1\n",
  });
  await filled;
  expect((await personas.find("shop"))?.prompt).toBe("Only these:\na;1\nNo others.");
  await write("shop.csv", "a;1\nb;$& $1\n");
  expect((await personas.find("shop"))?.prompt).toBe("Only these:\na;1\nb;$& $1\nNo others.");
  await write("shop.md", persona("list: shop.csv", "These:"));
  expect((await personas.find("shop"))?.prompt).toBe("These:\n\na;1\nb;$& $1");
  rmSync(join(path, "shop.csv"));
  expect(await personas.find("shop")).toBeNull();
  await write("shop.csv", "c;3");
  expect((await personas.find("shop"))?.prompt).toBe("These:\n\nc;3");
  rmSync(join(path, "shop.md"));
  expect(await personas.find("shop")).toBeNull();
  expect(await personas.all()).toEqual([]);
});

test("files outside the folder are out of reach, and a missing folder has no personas", async () => {
  const { personas, filled } = folder({ "in.md": persona("name: In") });
  await filled;
  for (const id of ["../in", "in/../in", ".in", "", "in.md", "a".repeat(100)])
    expect(await personas.find(id)).toBeNull();
  expect(
    await new PersonaFolder("/nonexistent", openLog({ level: "error", format: "json", write() {} })).all(),
  ).toEqual([]);
});

describe("the shipped personas", () => {
  let [data, path, documents, lines] = ["", "", "", [] as string[]];
  const log = openLog({ level: "info", format: "json", write: (line) => lines.push(line) });
  const make = () => makePersonaFolder(path, documents, log);
  const ids = async () => (await new PersonaFolder(path, log).all()).map(({ id }) => id);
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), "parlor-personas-"));
    [path, documents, lines] = [join(data, "personas"), join(data, "documents"), []];
  });

  test("are valid, and are written only to a new folder", async () => {
    make();
    expect(await ids()).toEqual(["helper", "deutsch", "kaufberater"]);
    expect(lines).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    rmSync(join(path, "deutsch.md"));
    make();
    expect(await ids()).toEqual(["helper", "kaufberater"]);
  });

  test("bring the collection that one of them answers from; what was deleted does not come back", async () => {
    expect(make()).toEqual(["kaufberater"]);
    const adviser = await new PersonaFolder(path, log).find("kaufberater");
    expect(adviser).toMatchObject({ documents: ["kaufberater"], grounding: "strict" });
    expect(readFileSync(join(documents, "kaufberater/kaufberater.csv"), "utf8")).toContain(
      "Nordhaus K2;Kaffeemühle;89,00 €;Kegelmahlwerk",
    );
    rmSync(documents, { recursive: true });
    expect(make()).toEqual([]);
    expect(existsSync(documents)).toBe(false);
  });

  test("leave a collection alone that is there already, and do without one that can't be made", async () => {
    mkdirSync(join(documents, "kaufberater"), { recursive: true });
    expect(make()).toEqual([]);
    expect(readdirSync(join(documents, "kaufberater"))).toEqual([]);
    rmSync(data, { recursive: true });
    mkdirSync(data);
    writeFileSync(documents, "a file is in the way");
    expect(make()).toEqual([]);
    expect(await ids()).toHaveLength(3);
    expect(lines.join()).toContain("a collection can't be made");
  });
});
