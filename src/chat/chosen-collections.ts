// The collections that somebody chooses for the answers of a conversation, by their ids or names.

import type { Person } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { CollectionId } from "../domain/id.ts";
import type { Collections } from "../store/collections.ts";

/** Most collections that a conversation can have. */
const chosenMax = 20;

/**
 * The ids of these collections, each once. A name means the house's collection, else the person's own.
 * @throws Failure `collection_unknown` for one that the person can't search, `bad_request` for too many
 */
export async function chosenCollections(
  { id: person }: Pick<Person, "id">,
  wished: readonly string[],
  collections: Pick<Collections, "collection" | "named">,
): Promise<readonly CollectionId[]> {
  if (wished.length > chosenMax)
    throw new Failure("bad_request", { detail: `collections: ${wished.length} > ${chosenMax}` });
  const named = await collections.named(person, wished);
  const found = wished.map(async (each, i) => {
    const byId = await collections.collection(each);
    const isReachable = byId !== null && (byId.owner === null || byId.owner === person);
    const id = isReachable ? byId.id : named[i]?.id;
    if (id === undefined) throw new Failure("collection_unknown", { name: each.slice(0, 100) });
    return id;
  });
  return [...new Set(await Promise.all(found))];
}
