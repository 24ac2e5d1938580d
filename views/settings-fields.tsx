// The fields of the panel in which a conversation's settings are changed.

import type { Collection } from "../src/domain/document.ts";
import { type EffectiveSettings, type Sampling, samplingBounds } from "../src/domain/persona.ts";
import type { ModelState } from "../src/domain/upstream.ts";
import type { Words } from "./words.ts";

/** Which model answers, where there is more than one: each with what it is doing. */
export function ModelField({
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

export function SamplingFields({
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

/**
 * The collections from which the conversation answers besides its persona's. Before the first question, those
 * of the page's address are in its form already.
 */
export function DocumentsField({
  collections,
  effective,
  isNew,
  form,
  words,
}: {
  collections: readonly Collection[];
  effective: EffectiveSettings;
  isNew: boolean;
  form: string | undefined;
  words: Words;
}) {
  const { documents: chosen = [] } = effective;
  const isGone = chosen.some((id) => collections.every((each) => each.id !== id));
  if (collections.length === 0 && !isGone) return <></>;
  return (
    <fieldset>
      <legend>{words.library.answerFrom}</legend>
      <input type="hidden" name="documents" value="" form={form} />
      {collections.map(({ id, name }) => (
        <label class="check">
          <input
            type="checkbox"
            name="documents"
            value={id}
            form={form}
            checked={chosen.includes(id)}
            disabled={isNew && chosen.includes(id)}
          />{" "}
          <bdi>{name}</bdi>
        </label>
      ))}
      {isGone && <p class="note">{words.library.isGone}</p>}
    </fieldset>
  );
}
