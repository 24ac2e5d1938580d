// Forms that bring files.

import type { GivenFile } from "../chat/attachments.ts";
import { Failure } from "../domain/failure.ts";
import type { FileId } from "../domain/file.ts";
import { isId } from "../domain/id.ts";

/** Bytes of a form around its file: boundaries, headers, other fields. */
export const formOverheadBytes = 64 * 1024;

/** Bytes that the file of a form surely has, by what its request announces. */
export const announcedBytes = (headers: Headers): number =>
  Math.max(0, Number(headers.get("content-length") ?? 0) - formOverheadBytes);

/** A form with files. */
interface FileForm {
  /** A name that occurs several times has all its values. */
  readonly fields: Record<string, string | string[]>;
  readonly files: GivenFile[];
  /** Ids in fields that are named `file`. */
  readonly stored: FileId[];
}

/** Reads a form; an empty file input sends a file without a name, which is none. */
export async function formOf(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<FileForm> {
  const form = await new Response(bytes, { headers: { "content-type": contentType } })
    .formData()
    .catch(() => null);
  if (form === null) throw new Failure("bad_request", { detail: "form" });
  const fields: Record<string, string | string[]> = {};
  const files: GivenFile[] = [];
  for (const [name, value] of form.entries() as Iterable<[string, string | File]>)
    if (typeof value === "string") fields[name] = name in fields ? [fields[name] ?? [], value].flat() : value;
    else if (nameOf(value) !== "" || value.size > 0)
      files.push({ name: nameOf(value), bytes: new Uint8Array(await value.arrayBuffer()) });
  return { fields, files, stored: form.getAll("file").filter(isId) };
}

/** Bun gives a file without a name no name at all. */
const nameOf = ({ name }: { readonly name?: string }): string => name ?? "";
