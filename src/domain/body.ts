// A request's body as the doors and the pages get it: whole, within a bound, decoded, and counted among all
// bodies in memory. The contract of src/bodies.ts; used by http/ and text/.

import type { PersonId } from "./id.ts";

export interface HeldBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** It is needed no more. May be called more than once. */
  release(): void;
}

export interface BodyBound {
  /** Largest body, decoded. */
  readonly maxBytes: number;
  /** Who sends it; null for somebody who is not signed in. */
  readonly owner: PersonId | null;
}

/**
 * @throws Failure `too_large`, `unsupported_encoding`, `bodies_full`, `body_slow`, `bad_request`, `stopped`
 */
export type ReadBody = (request: Request, bound: BodyBound) => Promise<HeldBody>;
