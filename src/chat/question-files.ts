// The files that a question brings: how many, and whether the model that will answer sees the pictures
// and hears the recordings.

import { Failure } from "../domain/failure.ts";
import type { FileId } from "../domain/file.ts";
import type { Files } from "../store/files.ts";
import type { Upstream } from "../upstream/upstream.ts";

/** Each file once. @throws Failure `too_many_files` */
export function filesOf(ids: readonly FileId[], limit: number): readonly FileId[] {
  const files = [...new Set(ids)];
  if (files.length > limit) throw new Failure("too_many_files", { limit });
  return files;
}

/**
 * Refuses pictures for a model that says that it does not see any, and recordings for one that hears none.
 * While that is not known, they are taken.
 * @throws Failure `no_vision`, `no_hearing`
 */
export async function refuseUnseen(
  ids: readonly FileId[],
  files: Files,
  upstream: Pick<Upstream, "facts">,
  model: string | null,
): Promise<void> {
  const { vision, hearing } = upstream.facts(model);
  if (ids.length === 0 || (vision !== false && hearing !== false)) return;
  for (const id of ids) {
    const type = (await files.file(id))?.type;
    if (type === "picture" && vision === false) throw new Failure("no_vision");
    if (type === "audio" && hearing === false) throw new Failure("no_hearing");
  }
}
