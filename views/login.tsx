// The pages before the chat: sign in, or take an invitation up. Plain forms.

import type { Invitation, Person } from "../src/domain/account.ts";
import type { FailureReport } from "../src/domain/failure.ts";
import { type Assets, Layout } from "./page.tsx";
import { sentenceOf, type Words } from "./words.ts";

interface Shell {
  readonly assets: Assets;
  readonly words: Words;
  /** What went wrong with what was just sent. */
  readonly failure: FailureReport | null;
}

/** Name and password, or the way to the provider. */
export function SignInPage({
  mode,
  to,
  name,
  failure,
  assets,
  words,
}: Shell & { mode: string; to: string; name: string }) {
  const { house } = words;
  return (
    <Layout title={`${house.signIn} · parlor`} assets={assets} words={words}>
      <main class="door">
        <p class="wordmark">parlor</p>
        <h1>{house.signInHere}</h1>
        <Fault failure={failure} words={words} />
        {mode === "oidc" ? (
          <p>
            <a class="button" href={`/login/start?to=${encodeURIComponent(to)}`}>
              {house.signInElsewhere}
            </a>
          </p>
        ) : (
          <form method="post" action="/login">
            <input type="hidden" name="to" value={to} />
            <label>
              {words.name}
              <input
                name="name"
                value={name}
                autocomplete="username"
                autocapitalize="none"
                spellcheck={false}
                required
                autofocus={name === ""}
              />
            </label>
            <label>
              {house.password}
              <input
                name="password"
                type="password"
                autocomplete="current-password"
                required
                autofocus={name !== ""}
              />
            </label>
            <button type="submit">{house.signIn}</button>
          </form>
        )}
      </main>
    </Layout>
  );
}

interface InvitationProps extends Shell {
  readonly invitation: Invitation;
  /** Whose password it sets. */
  readonly person: Person | null;
  /** The first admin's. */
  readonly isFirst: boolean;
  readonly typed: string;
}

/** An account to be made, or a new password. */
export function InvitationPage({ person, isFirst, typed, failure, assets, words }: InvitationProps) {
  const { house } = words;
  const hasName = person !== null && !isFirst;
  return (
    <Layout title={`${house.welcome} · parlor`} assets={assets} words={words}>
      <main class="door">
        <p class="wordmark">parlor</p>
        <h1>{hasName ? house.setPasswordFor(person.name) : house.welcome}</h1>
        {isFirst && <p>{house.becomeAdmin}</p>}
        <Fault failure={failure} words={words} />
        <form method="post">
          {hasName ? (
            <input type="hidden" name="name" value={person.name} autocomplete="username" />
          ) : (
            <label>
              {house.yourName}
              <input
                name="name"
                value={typed}
                autocomplete="username"
                autocapitalize="none"
                spellcheck={false}
                maxlength={64}
                required
                autofocus
              />
            </label>
          )}
          <label>
            {hasName ? house.newPassword : house.password}
            <input
              name="password"
              type="password"
              autocomplete="new-password"
              minlength={8}
              required
              aria-describedby="password-hint"
            />
          </label>
          <p id="password-hint" class="note">
            {house.passwordHint}
          </p>
          <button type="submit">{hasName ? house.changePassword : house.makeAccount}</button>
        </form>
      </main>
    </Layout>
  );
}

/** What went wrong, where the person is looking. */
export function Fault({ failure, words }: { failure: FailureReport | null; words: Words }) {
  return (
    <div role="alert" class="failure">
      {failure && <p>{sentenceOf(failure, words)}</p>}
    </div>
  );
}
