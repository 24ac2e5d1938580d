// The persona in the page's head, the panel in which a conversation's settings are changed, and the choice on
// an empty page. A panel is fetched when it is wanted.

import type { ConversationId } from "../src/domain/id.ts";
import {
  type EffectiveSettings,
  type Persona,
  type Sampling,
  samplingBounds,
} from "../src/domain/persona.ts";
import type { ModelState } from "../src/domain/upstream.ts";
import type { Words } from "./words.ts";

/** Ids of the elements that frames address. */
export const panelIds = { name: "voice", settings: "settings" } as const;

interface PersonaButtonProps {
  readonly conversation: ConversationId;
  readonly effective: EffectiveSettings;
  readonly words: Words;
}

/** The persona's name in the head; it opens the panel. */
export function PersonaButton({ conversation, effective, words }: PersonaButtonProps) {
  const { persona, missing, own } = effective;
  // counts while nothing has been said
  const wished = persona ? `?persona=${encodeURIComponent(persona.id)}` : "";
  return (
    <button
      type="button"
      id={panelIds.name}
      class="voice"
      popovertarget={panelIds.settings}
      title={words.settings}
      hx-get={`/c/${conversation}/settings${wished}`}
      hx-target={`#${panelIds.settings}`}
    >
      <span class="unseen">{words.persona}: </span>
      {persona?.name ??
        (missing === null
          ? words.noPersona
          : effective.isBroken
            ? words.broken(missing)
            : words.gone(missing))}
      {effective.model !== null && <span class="note"> · {effective.model}</span>}
      {Object.keys(own).length > 0 && <span class="note"> {words.ownSettings}</span>}
    </button>
  );
}

interface SettingsPanelProps extends Omit<PersonaButtonProps, "conversation"> {
  readonly choices: readonly Persona[];
  /** What can answer. */
  readonly models: readonly ModelState[];
  readonly isNew: boolean;
}

/**
 * The panel of a conversation. A new conversation is not stored yet, so its fields are sent with the first
 * question.
 */
export function SettingsPanel({ effective, choices, models, isNew, words }: SettingsPanelProps) {
  const { persona, isEnforced } = effective;
  if (isEnforced) return <p class="note">{words.enforced}</p>;
  const form = isNew ? "say" : undefined;
  const fields = (
    <>
      <ModelField effective={effective} models={models} form={form} words={words} />
      <SamplingFields effective={effective} form={form} words={words} />
    </>
  );
  if (isNew)
    return (
      <div class="fields">
        {fields}
        <p class="note">{words.fromFirst}</p>
      </div>
    );
  return (
    <form hx-ws:send class="fields">
      <input type="hidden" name="type" value="settle" />
      <label>
        {words.persona}
        <select name="persona">
          <option value="" selected={persona === null}>
            {words.noPersona}
          </option>
          {choices.map(({ id, name }) => (
            <option value={id} selected={id === persona?.id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {fields}
      <button type="submit" class="plain">
        {words.apply}
      </button>
    </form>
  );
}

/** Which model answers, where there is more than one: each with what it is doing. */
function ModelField({
  effective,
  models,
  form,
  words,
}: {
  effective: EffectiveSettings;
  models: readonly ModelState[];
  form: string | undefined;
  words: Words;
}) {
  const { model, persona } = effective;
  const own = model === (persona?.model ?? null) ? null : model;
  if (models.length <= 1) return <></>;
  const isKnown = own === null || models.some(({ name }) => name === own);
  return (
    <label>
      {words.model}
      <select name="model" form={form}>
        <option value="" selected={own === null}>
          {persona?.model ?? words.whicheverModel}
        </option>
        {!isKnown && (
          <option value={own} selected>
            {own}
          </option>
        )}
        {models.map(({ name, status }) => (
          <option value={name} selected={name === own}>
            {name} · {words.modelStatus[status]}
          </option>
        ))}
      </select>
    </label>
  );
}

function SamplingFields({
  effective,
  form,
  words,
}: {
  effective: EffectiveSettings;
  form: string | undefined;
  words: Words;
}) {
  const { persona, own } = effective;
  const names: readonly (keyof Sampling)[] = ["temperature", "topP", "maxTokens"];
  return (
    <>
      {names.map((name) => {
        const [least, most] = samplingBounds[name];
        return (
          <label>
            {words.sampling[name]}
            <input
              type="number"
              name={name}
              form={form}
              min={least}
              max={most}
              step={name === "maxTokens" ? 1 : 0.01}
              value={own[name]}
              placeholder={
                persona?.sampling[name] === undefined
                  ? words.ofModel
                  : words.ofPersona(persona.sampling[name])
              }
            />
          </label>
        );
      })}
    </>
  );
}

/** What the panel says once the settings are taken. */
export function Settled({ words }: { words: Words }) {
  return (
    <p class="note" role="status">
      {words.settled}
    </p>
  );
}

interface WelcomeProps extends Omit<PersonaButtonProps, "conversation"> {
  readonly choices: readonly Persona[];
  readonly isTemporary: boolean;
  /** Machines other than this one on which a llama-server may answer. */
  readonly elsewhere: readonly string[];
}

/** An empty page: who is there, what they say first, who else could answer. */
export function Welcome({ effective, choices, isTemporary, elsewhere, words }: WelcomeProps) {
  const { persona, isEnforced } = effective;
  const place = isTemporary ? "/temporary" : "/";
  return (
    <div class="empty">
      <h2>{persona?.greeting || words.emptyTitle}</h2>
      <p>
        {isTemporary
          ? words.temporaryText
          : elsewhere.length === 0
            ? words.emptyText
            : words.emptyElsewhere(elsewhere.join(", "))}
      </p>
      {persona && persona.starters.length > 0 && (
        <fieldset class="starters">
          <legend class="unseen">{words.starters}</legend>
          {persona.starters.map((starter) => (
            <button type="submit" form="say" class="plain" name="starter" value={starter} dir="auto">
              {starter}
            </button>
          ))}
        </fieldset>
      )}
      {!isEnforced && choices.length > 1 && (
        <section class="choices">
          <h3>{words.whoAnswers}</h3>
          <ul>
            {choices.map(({ id, name, description }) => (
              <li>
                <a
                  href={`${place}?persona=${encodeURIComponent(id)}`}
                  aria-current={id === persona?.id ? "true" : undefined}
                >
                  <b>{name}</b>
                  <span>{description}</span>
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {!isTemporary && (
        <p>
          <a href="/temporary">{words.temporary}</a>
        </p>
      )}
    </div>
  );
}
