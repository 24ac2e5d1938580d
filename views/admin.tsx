// Operating the house: what goes on now (views/admin-now), the people and what they may use, what failed,
// what was done. Plain forms. Never shows what was said.

import {
  type AuditAct,
  type AuditEntry,
  type Invitation,
  isPersonRole,
  type Limits,
  type ListedPerson,
  type PersonRole,
  type Session,
} from "../src/domain/account.ts";
import type { FailureReport } from "../src/domain/failure.ts";
import { isId, type PersonId } from "../src/domain/id.ts";
import type { Persona } from "../src/domain/persona.ts";
import type { FailedRun } from "../src/domain/run.ts";
import { Copy } from "./acts.tsx";
import { Now, type NowProps } from "./admin-now.tsx";
import { Invitations, PersonEntry, Roles } from "./admin-people.tsx";
import { ServerChoice } from "./admin-servers.tsx";
import { Fault } from "./login.tsx";
import { type Assets, Layout } from "./page.tsx";
import { deviceOf } from "./page-account.tsx";
import { Time } from "./time.tsx";
import { sentenceOf, type Words } from "./words.ts";

interface AdminProps extends NowProps {
  readonly assets: Assets;
  readonly hasPasswords: boolean;
  readonly people: readonly ListedPerson[];
  readonly roleLimits: Readonly<Record<PersonRole, Limits>>;
  readonly sessions: readonly Session[];
  readonly invitations: readonly Invitation[];
  /** The address of an invitation just made, to be seen this once. */
  readonly made: string | null;
  readonly personas: readonly Persona[];
  readonly enforced: string | null;
  /** Set on the command line: the page can't change it. */
  readonly isFixed: boolean;
  /** The llama-servers were named there, too. */
  readonly areServersFixed: boolean;
  readonly failed: readonly FailedRun[];
  readonly audit: readonly AuditEntry[];
  readonly failure: FailureReport | null;
}

export function AdminPage(props: AdminProps) {
  const { assets, words, people, made, failure, hasPasswords } = props;
  const { house } = words;
  return (
    <Layout title={`${house.operate} · parlor`} assets={assets} words={words}>
      <main class="papers wide">
        <p>
          <a href="/">{house.back}</a>
        </p>
        <h1>{house.operate}</h1>
        <Fault failure={failure} words={words} />
        <section>
          <h2>{house.now}</h2>
          <Now {...props} />
        </section>
        <section>
          <h2>{house.people}</h2>
          {made !== null && (
            <p role="status" class="made">
              {house.linkOnce} <input readonly value={made} aria-label={house.linkOnce} size={80} />{" "}
              <Copy words={words} />
            </p>
          )}
          {people.map((person) => (
            <PersonEntry person={person} hasPasswords={hasPasswords} words={words} />
          ))}
          {hasPasswords && <Invitations {...props} />}
        </section>
        <Roles {...props} />
        <ServerChoice
          servers={props.servers}
          special={props.special}
          areFixed={props.areServersFixed}
          words={words}
        />
        <PersonaChoice {...props} />
        {props.sessions.length > 0 && <SessionList {...props} />}
        <Records {...props} />
      </main>
    </Layout>
  );
}

function PersonaChoice({ personas, enforced, isFixed, words }: AdminProps) {
  const { house } = words;
  return (
    <section>
      <h2>{house.persona}</h2>
      {isFixed ? (
        <p class="note">
          {enforced}: {house.fixedPersona}
        </p>
      ) : (
        <form method="post" action="/admin/persona" class="row">
          <select name="persona" aria-label={house.persona}>
            <option value="">{house.noPersona}</option>
            {personas.map(({ id, name }) => (
              <option value={id} selected={id === enforced}>
                {name}
              </option>
            ))}
          </select>
          <button type="submit">{house.apply}</button>
        </form>
      )}
    </section>
  );
}

function SessionList({ sessions, nameOf, words }: AdminProps) {
  const { house } = words;
  return (
    <section>
      <h2>{house.sessions}</h2>
      {sessions.map(({ id, person, agent, address, seenAt }) => (
        <form method="post" action="/admin/session" class="row">
          <input type="hidden" name="session" value={id} />
          <span>
            <strong>{nameOf(person) ?? house.erasedPerson}</strong> {deviceOf(agent)} · {address} ·{" "}
            <Time at={seenAt} words={words} />
          </span>
          <button type="submit">{house.end}</button>
        </form>
      ))}
    </section>
  );
}

/** What failed, and what was done. */
function Records({ failed, audit, nameOf, personas, words }: AdminProps) {
  const { house } = words;
  const who = (person: PersonId) => nameOf(person) ?? house.erasedPerson;
  const time = (at: number) => <Time at={at} words={words} />;
  return (
    <>
      <section>
        <h2>{house.failures}</h2>
        {failed.length === 0 && <p class="note">{house.noFailures}</p>}
        <ul>
          {failed.map((run) => (
            <li>
              {time(run.createdAt)} {who(run.owner)}: {sentenceOf(run.failure, words)}
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>{house.audit}</h2>
        <ul>
          {audit.map((entry) => (
            <li>
              {time(entry.at)}{" "}
              {entry.actor === null
                ? house.nobody[entry.act === "sign_in_refused" ? "stranger" : "operator"]
                : who(entry.actor)}{" "}
              {house.acts[entry.act]} {subjectOf(entry, who, personas, words)}{" "}
              {entry.address !== "" && <span class="note">{entry.address}</span>}
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

/** Acts that are done to a person; what others are done to has a name of its own, or none. */
const personActs: ReadonlySet<AuditAct> = new Set([
  "invited",
  "person_added",
  "person_removed",
  "person_restored",
  "person_erased",
  "role_changed",
  "limits_changed",
  "session_ended",
  "run_stopped",
]);

/** The object of an entry in the audit log: a person, role, persona or key. Never an id without a name. */
function subjectOf(
  { act, subject, actor }: AuditEntry,
  who: (person: PersonId) => string,
  personas: readonly Persona[],
  { house }: Words,
): string {
  if (act === "persona_enforced")
    return personas.find(({ id }) => id === subject)?.name ?? (subject === "" ? house.noPersona : subject);
  if (subject === "" || subject === actor) return "";
  if (isPersonRole(subject)) return house.roles[subject];
  if (personActs.has(act)) return who(subject);
  return isId(subject) ? "" : subject;
}
