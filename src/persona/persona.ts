// Contract of the personas. Implemented in persona/folder over Markdown files.

import type { PersonaId } from "../domain/id.ts";
import type { Persona } from "../domain/persona.ts";

export interface Personas {
  /** All personas that can be chosen now, by name. Broken ones are left out and logged. */
  all(): Promise<readonly Persona[]>;
  /** null if there is no persona with this id (any more), or if it is broken. */
  find(id: PersonaId): Promise<Persona | null>;
  /** True if there is a persona with this id, but its file can't be used. */
  isBroken(id: PersonaId): Promise<boolean>;
}
