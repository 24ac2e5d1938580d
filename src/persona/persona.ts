// Contract of the Personas of a house. Implemented by persona/folder over Markdown files.

import type { PersonaId } from "../domain/id.ts";
import type { Persona } from "../domain/persona.ts";

export interface Personas {
  /** All that can be chosen now, by name; what can't be read is left out, and said in the log. */
  all(): Promise<readonly Persona[]>;
  /** null when there is none of this id (any more), or it can't be used. */
  find(id: PersonaId): Promise<Persona | null>;
  /** There is one of this id, and it can't be used. */
  isBroken(id: PersonaId): Promise<boolean>;
}
