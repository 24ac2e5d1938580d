// Resolves how a conversation is answered: with which persona (the enforced one, else the chosen one),
// sampling and model. Knows nothing of persona files (persona/) or of pages.

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
import type { Personas } from "./persona.ts";

/** The persona that a new conversation starts with, if it exists. */
const defaultPersona: PersonaId = "helper";

/** Keeps the persona that an operator enforces while parlor runs. */
interface EnforcedSetting {
  get(name: "enforcedPersona"): Promise<string | null>;
  set(name: "enforcedPersona", persona: PersonaId | null): Promise<void>;
}

/** The persona that the operator enforces for everybody, on the command line or while parlor runs. */
export class EnforcedPersona {
  readonly isFixed: boolean;
  readonly #settings: EnforcedSetting;
  #now: PersonaId | null;

  /** `fixed` is the persona of the command line, or null. */
  static async of(fixed: PersonaId | null, settings: EnforcedSetting): Promise<EnforcedPersona> {
    return new EnforcedPersona(fixed ?? (await settings.get("enforcedPersona")), fixed !== null, settings);
  }

  private constructor(now: PersonaId | null, isFixed: boolean, settings: EnforcedSetting) {
    this.#now = now;
    this.isFixed = isFixed;
    this.#settings = settings;
  }

  get now(): PersonaId | null {
    return this.#now;
  }

  async set(persona: PersonaId | null): Promise<void> {
    await this.#settings.set("enforcedPersona", persona);
    this.#now = persona;
  }

  /** Takes what another process may have set. */
  async reload(): Promise<void> {
    if (!this.isFixed) this.#now = await this.#settings.get("enforcedPersona");
  }
}

export class SettingsResolver {
  readonly #personas: Personas;
  readonly #enforced: () => PersonaId | null;

  /** `enforced` is used for every conversation, whatever was chosen; null for none. */
  constructor(personas: Personas, enforced: () => PersonaId | null) {
    this.#personas = personas;
    this.#enforced = enforced;
  }

  /** For requests that would bypass an enforced persona. @throws Failure `persona_enforced` */
  refuseIfEnforced(): void {
    const persona = this.#enforced();
    if (persona !== null) throw new Failure("persona_enforced", { persona });
  }

  /** The Failure that says why a persona can't answer: it is missing, or its file is broken. */
  async failureOf(persona: PersonaId): Promise<Failure> {
    const facts = { persona, ...(this.#enforced() === persona && { enforced: 1 }) };
    return new Failure(
      (await this.#personas.isBroken(persona)) ? "persona_broken" : "persona_missing",
      facts,
    );
  }

  async of({ persona: chosen, sampling, model, documents }: Settings): Promise<EffectiveSettings> {
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
      ...(documents && { documents }),
    };
  }

  /** The personas that can be chosen; only the enforced one, if there is one. */
  async choices(): Promise<readonly Persona[]> {
    const all = await this.#personas.all();
    const enforced = this.#enforced();
    return enforced === null ? all : all.filter(({ id }) => id === enforced);
  }

  /** All personas. */
  all(): Promise<readonly Persona[]> {
    return this.#personas.all();
  }

  /** Settings of a new conversation: with persona `wished` if it exists, else the default one, else none. */
  async first(wished: PersonaId | null): Promise<Settings> {
    const found =
      (wished === null ? null : await this.#personas.find(wished)) ??
      (await this.#personas.find(defaultPersona));
    return { persona: found?.id ?? null, sampling: {} };
  }

  /**
   * Refuses settings that can't be chosen.
   * @throws Failure `persona_missing`, `persona_broken`, `bad_setting`
   */
  async check({ persona, sampling }: Settings): Promise<void> {
    if (persona !== null && !(await this.#personas.find(persona))) throw await this.failureOf(persona);
    for (const [name, value] of Object.entries(sampling) as [keyof Sampling, number][]) {
      const [least, most] = samplingBounds[name];
      if (!isWithin(name, value)) throw new Failure("bad_setting", { name, least, most });
    }
  }
}

/** The sampling to send: the conversation's own settings override the persona's. */
export function samplingOf({ persona, own }: EffectiveSettings): Sampling {
  return { ...persona?.sampling, ...own };
}
