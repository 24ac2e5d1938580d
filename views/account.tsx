// One's own account: what may be used and was, where one is signed in, the password. Plain forms.

import type { Allowance, LimitName, Person, Session } from "../src/domain/account.ts";
import type { FailureReport } from "../src/domain/failure.ts";
import { Fault } from "./login.tsx";
import { type Assets, Layout } from "./page.tsx";
import type { Words } from "./words.ts";

interface AccountProps {
  readonly assets: Assets;
  readonly words: Words;
  readonly person: Person;
  readonly allowance: Allowance;
  readonly sessions: readonly Session[];
  /** The session of the browser that asks. */
  readonly own: string | undefined;
  readonly hasSessions: boolean;
  readonly hasPassword: boolean;
  readonly failure: FailureReport | null;
  readonly isDone: boolean;
}

export function AccountPage({ assets, words, person, allowance, sessions, own, hasSessions, hasPassword, failure, isDone }: AccountProps) {
  const { house } = words;
  const { usage, limits } = allowance;
  const shown = Object.entries(house.limitNames) as [LimitName, string][];
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
          </dl>
        </section>
        {hasSessions && (
          <section>
            <h2>{house.devices}</h2>
            <ul>
              {sessions.map((session) => (
                <li>
                  <form method="post" action="/account/end">
                    <input type="hidden" name="session" value={session.id} />
                    <span>
                      {deviceOf(session.agent)} · {session.address} · {new Date(session.seenAt).toLocaleString(words.lang)}
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

/** A browser's words for itself, in one or two of them. */
export function deviceOf(agent: string): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /(Android|iPhone|iPad|Windows|Mac OS|Linux)/.exec(agent)?.[1];
  return [browser === "Edg" ? "Edge" : browser, system].filter(Boolean).join(", ") || agent.slice(0, 40) || "?";
}
