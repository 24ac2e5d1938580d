// Export and import of whole files: the form below the list, and the result of an import.

import type { LeftOutKind, Unread } from "../src/domain/record.ts";
import type { Words } from "./words.ts";

/** Below the list: a link to the export, and a form for imports. */
export function Transfer({ words }: { words: Words }) {
  return (
    <form
      class="transfer"
      hx-post="/import"
      hx-encoding="multipart/form-data"
      hx-trigger="change"
      hx-target="#imported"
    >
      <a href="/export.jsonl" download>
        {words.exportAll}
      </a>
      <label>
        {words.import}
        <input type="file" name="file" accept=".json,.jsonl,.zip" multiple class="unseen" />
      </label>
      <div id="imported" role="status" />
    </form>
  );
}

/** The result of an import: how many conversations it added, what it left out, and what it could not read. */
export function Imported({
  added,
  known,
  faults,
  leftOut,
  words,
}: Unread & { added: number; known: number; words: Words }) {
  return (
    <>
      <p>{words.imported(added, known)}</p>
      {Object.keys(leftOut).length > 0 && <p>{leftOutLine(leftOut, words)}</p>}
      {faults.length > 0 && (
        <ul class="failure">
          {faults.map((fault) => (
            <li>{fault}</li>
          ))}
        </ul>
      )}
    </>
  );
}

/** One sentence with each kind that was left out and its count. */
export function leftOutLine(leftOut: Unread["leftOut"], words: Words): string {
  const kinds = Object.entries(leftOut) as [LeftOutKind, number][];
  return `${words.house.leftOut} ${kinds.map(([kind, count]) => words.house.leftOutKinds[kind](count)).join(", ")}.`;
}
