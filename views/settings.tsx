// The persona in the page's head, the panel in which a conversation's settings are changed, and the choice on
// an empty page. A panel is fetched when it is wanted.

import type { Collection } from "../src/domain/document.ts";
import type { ConversationId } from "../src/domain/id.ts";
import type { EffectiveSettings, Persona } from "../src/domain/persona.ts";
import type { ModelState } from "../src/domain/upstream.ts";
import { DocumentsField, ModelField, SamplingFields } from "./settings-fields.tsx";
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
  const wished = new URLSearchParams([
    ...(persona ? [["persona", persona.id]] : []),
    ...(effective.documents ?? []).map((id) => ["documents", id]),
  ]);
  return (
    <button
      type="button"
      id={panelIds.name}
      class="voice"
      popovertarget={panelIds.settings}
      title={words.settings}
      hx-get={`/c/${conversation}/settings${wished.size > 0 ? `?${wished}` : ""}`}
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
  /** Those that the person can search. */
  readonly collections: readonly Collection[];
  readonly isNew: boolean;
}

/**
 * The panel of a conversation. A new conversation is not stored yet, so its fields are sent with the first
 * question.
 */
export function SettingsPanel(props: SettingsPanelProps) {
  const { effective, choices, models, isNew, words } = props;
  const { persona, isEnforced } = effective;
  if (isEnforced) return <p class="note">{words.enforced}</p>;
  const form = isNew ? "say" : undefined;
  const fields = (
    <>
      <ModelField effective={effective} models={models} form={form} words={words} />
      <SamplingFields effective={effective} form={form} words={words} />
      <DocumentsField {...props} form={form} />
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
