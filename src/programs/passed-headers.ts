// The parts of a llama-server's answer head that are passed on: a status and a content type, each from a
// list; no other header. llama-server is not trusted: its answers appear under parlor's own origin, where an
// HTML page of its making could read everything that its reader may.

import { Failure } from "../domain/failure.ts";

/** Content types of API answers. A browser executes none of them. */
const types = ["application/json; charset=utf-8", "text/event-stream", "text/plain; charset=utf-8"];

/** The content type for an answer that claims `type`; types outside the list become bytes. */
export function passedType(type: string | null | undefined): string {
  const name = (type ?? "").split(";", 1)[0]?.trim().toLowerCase();
  return types.find((each) => each.split(";", 1)[0] === name) ?? "application/octet-stream";
}

/**
 * @throws Failure `upstream_garbled` for a status that is no answer, `upstream_unauthorized` when
 *   llama-server rejects parlor's own key
 */
export function passedStatus(status: number): number {
  if (status === 401) throw new Failure("upstream_unauthorized");
  const isAnswer =
    (status >= 200 && status < 300 && status !== 204 && status !== 205) || (status >= 400 && status < 600);
  if (!isAnswer) throw new Failure("upstream_garbled");
  return status;
}
