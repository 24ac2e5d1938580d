// The people of the house, their roles and limits, as the operator's page shows them. Part of views/admin.

import {
  type Invitation,
  type LimitName,
  type Limits,
  type ListedPerson,
  limitBounds,
  localPerson,
  type PersonRole,
  personRoles,
} from "../src/domain/account.ts";
import { Time } from "./time.tsx";
import type { Words } from "./words.ts";

export function PersonEntry({
  person,
  hasPasswords,
  words,
}: {
  person: ListedPerson;
  hasPasswords: boolean;
  words: Words;
}) {
  const { house } = words;
  const { id, name, role, removedAt, conversations, usage, seenAt, ownLimits } = person;
  const isLocal = id === localPerson;
  return (
    <details class="person">
      <summary>
        <strong>{name}</strong> {house.roles[role]}
        {removedAt !== null && ` · ${house.removed}`}
        <span class="note">
          {" "}
          {house.conversations}: {conversations.toLocaleString(words.lang)} ·{" "}
          {house.usedToday(usage.tokens, usage.runs)} · {house.seen}:{" "}
          {seenAt === null ? house.never : <Time at={seenAt} words={words} />}
        </span>
      </summary>
      <form method="post" action="/admin/person">
        <input type="hidden" name="person" value={id} />
        <label>
          {house.role}
          <select name="role">
            {personRoles.map((each) => (
              <option value={each} selected={each === role}>
                {house.roles[each]}
              </option>
            ))}
          </select>
        </label>
        <p class="note">{house.ownLimits}</p>
        <LimitFields limits={ownLimits} placeholder={house.asRole} words={words} />
        <p class="row">
          <button type="submit" name="act" value="change">
            {house.apply}
          </button>
          {hasPasswords && removedAt === null && (
            <button type="submit" name="act" value="link">
              {house.newPasswordLink}
            </button>
          )}
          {!isLocal && (
            <button type="submit" name="act" value={removedAt === null ? "remove" : "restore"}>
              {removedAt === null ? house.remove : house.bringBack}
            </button>
          )}
        </p>
      </form>
      {!isLocal && (
        <form method="post" action="/admin/person">
          <input type="hidden" name="person" value={id} />
          <p class="note">{house.eraseText(name)}</p>
          <p class="row">
            <input name="name" aria-label={house.confirmName} autocomplete="off" required />
            <button type="submit" name="act" value="erase">
              {house.erase}
            </button>
          </p>
        </form>
      )}
    </details>
  );
}

function LimitFields({
  limits,
  placeholder,
  words,
}: {
  limits: Partial<Limits>;
  placeholder: string;
  words: Words;
}) {
  const { limitNames } = words.house;
  return (
    <div class="fields">
      {(Object.keys(limitNames) as LimitName[]).map((name) => (
        <label>
          {limitNames[name]}
          <input
            name={name}
            inputmode="decimal"
            value={limits[name] ?? ""}
            placeholder={placeholder}
            title={limitBounds[name].join(" – ")}
          />
        </label>
      ))}
    </div>
  );
}

export function Invitations({ invitations, words }: { invitations: readonly Invitation[]; words: Words }) {
  const { house } = words;
  return (
    <>
      <form method="post" action="/admin/invite" class="row">
        <span class="note">{house.inviteText}</span>
        <select name="role" aria-label={house.role}>
          {personRoles.map((role) => (
            <option value={role} selected={role === "member"}>
              {house.roles[role]}
            </option>
          ))}
        </select>
        <button type="submit">{house.invite}</button>
      </form>
      {invitations.map(({ id, role, expiresAt }) => (
        <form method="post" action="/admin/invite" class="row">
          <input type="hidden" name="revoke" value={id} />
          <span>
            {house.invitations}: {house.roles[role]}, {house.until} <Time at={expiresAt} words={words} />
          </span>
          <button type="submit">{house.revoke}</button>
        </form>
      ))}
    </>
  );
}

export function Roles({
  roleLimits,
  words,
}: {
  roleLimits: Readonly<Record<PersonRole, Limits>>;
  words: Words;
}) {
  const { house } = words;
  return (
    <section>
      <h2>{house.retention}</h2>
      {personRoles.map((role) => (
        <details>
          <summary>{house.roles[role]}</summary>
          <form method="post" action="/admin/role">
            <input type="hidden" name="role" value={role} />
            <LimitFields limits={roleLimits[role]} placeholder={house.unlimited} words={words} />
            <p class="row">
              <button type="submit">{house.apply}</button>
            </p>
          </form>
        </details>
      ))}
    </section>
  );
}
