// What of a llama-server's answer is passed on beside its body: a status and a content type, each from a
// list. It is not trusted: what it says is told below parlor's own address, where a page of its making could
// read whatever the reader may. No other header passes.

import { Failure } from "../domain/failure.ts";

/** Types of answers to programs, none of which a browser runs. */
const types = ["application/json; charset=utf-8", "text/event-stream", "text/plain; charset=utf-8"];

/** The type that is said for an answer which claims to be of `type`; any that is not on the list is bytes. */
export function passedType(type: string | null | undefined): string {
  const name = (type ?? "").split(";", 1)[0]?.trim().toLowerCase();
  return types.find((each) => each.split(";", 1)[0] === name) ?? "application/octet-stream";
}

/** @throws Failure `upstream_garbled` for what is no answer, `upstream_unauthorized` for what concerns parlor's own key and not the program's */
export function passedStatus(status: number): number {
  if (status === 401) throw new Failure("upstream_unauthorized");
  const isAnswer =
    (status >= 200 && status < 300 && status !== 204 && status !== 205) || (status >= 400 && status < 600);
  if (!isAnswer) throw new Failure("upstream_garbled");
  return status;
}
