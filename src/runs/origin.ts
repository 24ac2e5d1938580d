// Where a Run comes from. Types only.

import type { Sharer } from "./fair-share.ts";
import type { Tap } from "./runs.ts";

/** Who asked for a Run, and how. */
export interface Origin {
  /** Whose share of the slots the Run uses. */
  readonly sharer: Sharer;
  /** Id of the request in the logs of parlor and of llama-server; empty for a Run of the previous process. */
  readonly request: string;
  readonly tap: Tap | undefined;
  /** The model that the Run will request; null for any. */
  readonly model: string | null;
}
