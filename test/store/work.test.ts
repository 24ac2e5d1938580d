// Work of the Store is never made and dropped: without `yield*` it does nothing, and no type says so.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dir, "../../src/store");
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

/** Names of functions and methods that make work. */
const works = files.flatMap(({ text }) =>
  [...text.matchAll(/^\s*(?:\w+ )*(?:function)?\*\s?(#?\w+)[(<]|(\w+): \(.*\) => Work</gm)].map(
    ([, name, field]) => (name ?? field) as string,
  ),
);

/** A call of such a name that is a statement: at the beginning of a line, or behind a condition or a loop. */
const call = new RegExp(
  `^\\s*(?:(?:if|for|while) \\(.*\\) |else )?((?:#?\\w+\\.)*)(?:${works.join("|")})(?:<.*>)?\\(.*(?:;|\\()$`,
);

test("no work is dropped", () => {
  expect(works.length).toBeGreaterThan(80);
  const dropped = files.flatMap(({ name, text }) => {
    // sets and maps have methods of such names, too
    const others = [...text.matchAll(/(#?\w+) = new (?:Set|Map)\b/g)].map(([, each]) => `${each}.`);
    return text.split("\n").flatMap((line, i, lines) => {
      if (/(?:=>|[=(,])$/.test(lines[i - 1] ?? "")) return []; // goes on with an expression
      const on = call.exec(line)?.[1]?.replace("this.", "");
      const isSignature = /\): [\w<].*;$/.test(line);
      return on === undefined || isSignature || others.includes(on) ? [] : [`${name}:${i + 1} ${line}`];
    });
  });
  expect(dropped).toEqual([]);
});
