// How a conversation is answered: which Persona holds (the operator's for all, else the one chosen), with
// which sampling. Knows nothing of files (persona/) nor of how it is shown.

import { Failure } from "../domain/failure.ts";
import type { PersonaId } from "../domain/id.ts";
import {
  type EffectiveSettings,
  isWithin,
  type Persona,
  type Sampling,
  type Settings,
  samplingBounds,
} from "../domain/persona.ts";
import type { Personas } from "../persona/persona.ts";
import type { HouseSettings } from "../store/accounts.ts";

/** The persona that an empty page offers first, where there is one of this name. */
const usual: PersonaId = "helper";

/** The persona that answers everybody: set on the command line, or by the operator while parlor runs. */
export class EnforcedPersona {
  readonly isFixed: boolean;
  readonly #settings: Pick<HouseSettings, "set">;
  #now: PersonaId | null;

  /** `fixed` is what the command line says. */
  static async of(fixed: PersonaId | null, settings: HouseSettings): Promise<EnforcedPersona> {
    return new EnforcedPersona(fixed ?? (await settings.get("enforcedPersona")), fixed !== null, settings);
  }

  private constructor(now: PersonaId | null, isFixed: boolean, settings: Pick<HouseSettings, "set">) {
    this.#now = now;
    this.isFixed = isFixed;
    this.#settings = settings;
  }

  get now(): PersonaId | null {
    return this.#now;
  }

  async set(wished: PersonaId | null): Promise<void> {
    await this.#settings.set("enforcedPersona", wished);
    this.#now = wished;
  }
}

export class SettingsResolver {
  readonly #personas: Personas;
  readonly #enforced: () => PersonaId | null;

  /** `enforced` holds for every conversation, whatever was chosen. */
  constructor(personas: Personas, enforced: () => PersonaId | null) {
    this.#personas = personas;
    this.#enforced = enforced;
  }

  /** Refuses what would be answered past the persona that holds for everybody. @throws Failure `persona_enforced` */
  refuseIfEnforced(): void {
    const persona = this.#enforced();
    if (persona !== null) throw new Failure("persona_enforced", { persona });
  }

  /** Why nobody can be answered by a persona. */
  async refusal(persona: PersonaId): Promise<Failure> {
    const facts = { persona, ...(this.#enforced() === persona && { enforced: 1 }) };
    return new Failure(
      (await this.#personas.isBroken(persona)) ? "persona_broken" : "persona_missing",
      facts,
    );
  }

  async of({ persona: chosen, sampling, model }: Settings): Promise<EffectiveSettings> {
    const enforced = this.#enforced();
    const isEnforced = enforced !== null;
    const id = enforced ?? chosen;
    const persona = id === null ? null : await this.#personas.find(id);
    return {
      persona,
      missing: persona === null ? id : null,
      ...(persona === null && id !== null && (await this.#personas.isBroken(id)) && { isBroken: true }),
      isEnforced,
      own: isEnforced ? {} : sampling,
      model: (isEnforced ? null : model) ?? persona?.model ?? null,
    };
  }

  /** What can be chosen; one alone where it is enforced. */
  async choices(): Promise<readonly Persona[]> {
    const all = await this.#personas.all();
    const enforced = this.#enforced();
    return enforced === null ? all : all.filter(({ id }) => id === enforced);
  }

  /** All that there are. */
  all(): Promise<readonly Persona[]> {
    return this.#personas.all();
  }

  /** What a new conversation begins with: `wished` where that is there, else the usual one, else none. */
  async first(wished: PersonaId | null): Promise<Settings> {
    const found =
      (wished === null ? null : await this.#personas.find(wished)) ?? (await this.#personas.find(usual));
    return { persona: found?.id ?? null, sampling: {} };
  }

  /**
   * Refuses what can't be chosen.
   * @throws Failure `persona_missing`, `persona_broken`, `bad_setting`
   */
  async check({ persona, sampling }: Settings): Promise<void> {
    if (persona !== null && !(await this.#personas.find(persona))) throw await this.refusal(persona);
    for (const [name, value] of Object.entries(sampling) as [keyof Sampling, number][]) {
      const [least, most] = samplingBounds[name];
      if (!isWithin(name, value)) throw new Failure("bad_setting", { name, least, most });
    }
  }
}

/** What is sent: the conversation's own settings win over the Persona's. */
export function samplingOf({ persona, own }: EffectiveSettings): Sampling {
  return { ...persona?.sampling, ...own };
}
