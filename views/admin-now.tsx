// The first part of the page for operating the house: what runs and who waits now, on which servers. It
// fetches itself again. Never shows what was said.

import type { PersonId } from "../src/domain/id.ts";
import type { RunNow } from "../src/domain/run.ts";
import { Processes, type ProcessesProps, ServerStates, type ServersProps } from "./admin-servers.tsx";

/** A person's name; null for one who was erased. */
type NameOf = (person: PersonId | null) => string | null;

export interface NowProps extends ServersProps {
  readonly slots: number;
  readonly foreignSlots: number;
  readonly runs: readonly RunNow[];
  readonly sockets: Readonly<Record<string, number>>;
  readonly nameOf: NameOf;
  /** Null where this process is alone. */
  readonly membership: ProcessesProps | null;
}

/** What runs and who waits, since when. */
export function Now({ servers, special, slots, foreignSlots, runs, ...props }: NowProps) {
  const { sockets, nameOf, membership, words } = props;
  const { house } = words;
  const waiting = runs
    .filter(({ status }) => status === "queued")
    .sort((a, b) => (a.place?.position ?? 0) - (b.place?.position ?? 0));
  const running = runs.filter(({ status }) => status === "running");
  const age = (run: RunNow) => house.since(Math.round((Date.now() - run.createdAt) / 1000));
  return (
    <div id="now" hx-get="/admin/now" hx-trigger="every 2s" hx-swap="outerMorph">
      <ServerStates servers={servers} special={special} words={words} />
      {membership && membership.processes.length > 0 && <Processes {...membership} words={words} />}
      <p>
        {house.slots(running.length, slots, foreignSlots)} · {house.waitingRuns(waiting.length)} ·{" "}
        {house.sockets(sockets["page"] ?? 0, sockets["program"] ?? 0)}
      </p>
      {runs.length === 0 ? (
        <p class="note">{house.nobodyRuns}</p>
      ) : (
        <ul class="runs">
          {[...running, ...waiting].map((run) => (
            <li data-status={run.status}>
              <form method="post" action="/admin/stop">
                <input type="hidden" name="run" value={run.run} />
                <strong>{nameOf(run.owner) ?? house.erasedPerson}</strong>
                <span>
                  {run.place ? words.waiting(run.place) : words.answering} · {age(run)} ·{" "}
                  {house.tokens(run.tokens)}
                  {!run.isAttended && ` · ${house.unattended}`}
                </span>
                <button type="submit">{house.stop}</button>
              </form>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
