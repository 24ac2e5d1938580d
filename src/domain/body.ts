// Contract for reading a request's body: whole, bounded, decoded, and counted together with all bodies in
// memory.

import type { PersonId } from "./id.ts";

export interface HeldBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Stops counting the body. May be called more than once. */
  release(): void;
}

export interface BodyBound {
  /** Largest body after decoding. */
  readonly maxBytes: number;
  /** The sender; null for a client that is not signed in. */
  readonly owner: PersonId | null;
}

/**
 * @throws Failure `too_large`, `unsupported_encoding`, `bodies_full`, `body_slow`, `bad_request`, `stopped`
 */
export type ReadBody = (request: Request, bound: BodyBound) => Promise<HeldBody>;
