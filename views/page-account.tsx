// One's own account: what may be used and was, where one is signed in, the password. Plain forms.

import {
  type Allowance,
  type Key,
  keyScopes,
  type LimitName,
  type Person,
  type Session,
} from "../src/domain/account.ts";
import type { FailureReport } from "../src/domain/failure.ts";
import { Copy } from "./acts.tsx";
import { Fault } from "./login.tsx";
import { type Assets, Layout } from "./page.tsx";
import { Time } from "./time.tsx";
import type { Words } from "./words.ts";

interface AccountProps {
  readonly assets: Assets;
  readonly words: Words;
  readonly person: Person;
  readonly allowance: Allowance;
  /** The size of their files. */
  readonly files: { readonly usedBytes: number; readonly limitBytes: number };
  readonly sessions: readonly Session[];
  /** The session of the browser that asks. */
  readonly own: string | undefined;
  readonly keys: readonly Key[];
  /** One that was just made. */
  readonly madeKey: string | null;
  readonly hasSessions: boolean;
  readonly hasPassword: boolean;
  readonly failure: FailureReport | null;
  readonly isDone: boolean;
}

export function AccountPage({
  assets,
  words,
  person,
  allowance,
  files,
  sessions,
  own,
  keys,
  madeKey,
  hasSessions,
  hasPassword,
  failure,
  isDone,
}: AccountProps) {
  const { house } = words;
  const { usage, limits } = allowance;
  const names = Object.entries(house.limitNames) as [LimitName, string][];
  // the size of files stands beside what is used of it
  const shown = names.filter(([name]) => name !== "filesMaxBytes");
  return (
    <Layout title={`${house.account} · parlor`} assets={assets} words={words}>
      <main class="papers">
        <p>
          <a href="/">{house.back}</a>
        </p>
        <h1>{person.name}</h1>
        <p class="note">
          {house.roles[person.role]} · {house.usedToday(usage.tokens, usage.runs)}
        </p>
        {isDone && <p role="status">{house.done}</p>}
        <Fault failure={failure} words={words} />
        <section>
          <h2>{house.limits}</h2>
          <dl>
            {shown.map(([name, label]) => (
              <div>
                <dt>{label}</dt>
                <dd>{limits[name] === null ? house.unlimited : limits[name]?.toLocaleString(words.lang)}</dd>
              </div>
            ))}
            <div>
              <dt>{house.files}</dt>
              <dd>{house.filesUsed(files.usedBytes, files.limitBytes)}</dd>
            </div>
          </dl>
        </section>
        <Keys keys={keys} made={madeKey} words={words} />
        {hasSessions && (
          <section>
            <h2>{house.devices}</h2>
            <ul>
              {sessions.map((session) => (
                <li>
                  <form method="post" action="/account/end">
                    <input type="hidden" name="session" value={session.id} />
                    <span>
                      {deviceOf(session.agent)} · {session.address} ·{" "}
                      <Time at={session.seenAt} words={words} />
                      {session.id === own && ` · ${house.thisDevice}`}
                    </span>
                    {session.id !== own && <button type="submit">{house.end}</button>}
                  </form>
                </li>
              ))}
            </ul>
            <form method="post" action="/account/end-others" class="row">
              <button type="submit">{house.signOutEverywhere}</button>
            </form>
            <form method="post" action="/logout" class="row">
              <button type="submit">{house.signOut}</button>
            </form>
          </section>
        )}
        {hasPassword && hasSessions && (
          <section>
            <h2>{house.changePassword}</h2>
            <form method="post" action="/account/password">
              <input type="hidden" name="name" value={person.name} autocomplete="username" />
              <label>
                {house.oldPassword}
                <input name="old" type="password" autocomplete="current-password" required />
              </label>
              <label>
                {house.newPassword}
                <input name="password" type="password" autocomplete="new-password" minlength={8} required />
              </label>
              <p class="note">{house.passwordHint}</p>
              <button type="submit">{house.changePassword}</button>
            </form>
          </section>
        )}
      </main>
    </Layout>
  );
}

function Keys({ keys, made, words }: { keys: readonly Key[]; made: string | null; words: Words }) {
  const { house } = words;
  return (
    <section id="keys">
      <h2>{house.keys}</h2>
      <p class="note">{house.keysText}</p>
      {made !== null && (
        <p role="status">
          {house.keyOnce} <code class="key">{made}</code>
          <Copy words={words} />
        </p>
      )}
      <ul>
        {keys.map((key) => (
          <li>
            <form method="post" action="/account/keys/revoke">
              <input type="hidden" name="key" value={key.id} />
              <span>
                {key.name} · {key.scopes.map((scope) => house.keyScopes[scope]).join(", ")} ·{" "}
                {key.seenAt === null ? house.keyUnused : house.keyUsed}{" "}
                {key.seenAt !== null && <Time at={key.seenAt} words={words} />}
              </span>
              <button type="submit" aria-label={`${house.revoke}: ${key.name}`}>
                {house.revoke}
              </button>
            </form>
          </li>
        ))}
      </ul>
      <form method="post" action="/account/keys">
        <label>
          {house.keyName}
          <input name="name" required maxlength={64} autocomplete="off" />
        </label>
        <div class="row">
          {keyScopes.map((scope) => (
            <label class="check">
              <input type="checkbox" name={scope} checked={scope === "answers"} /> {house.keyScopes[scope]}
            </label>
          ))}
        </div>
        <button type="submit">{house.makeKey}</button>
      </form>
    </section>
  );
}

/** A browser's words for itself, in one or two of them. */
export function deviceOf(agent: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /(Android|iPhone|iPad|Windows|Mac OS|Linux)/.exec(agent)?.[1];
  return (
    [browser === "Edg" ? "Edge" : browser, system].filter(Boolean).join(", ") || agent.slice(0, 40) || "?"
  );
}
