// The servers on the admin page: the llama-servers with their state, which ones are used, the output of our
// own; and the processes of parlor, where there are several.

import type { ProcessState } from "../src/domain/cluster.ts";
import type { SpecialServer, UpstreamState } from "../src/domain/upstream.ts";
import type { Words } from "./words.ts";

export interface ServersProps {
  readonly servers: readonly UpstreamState[];
  /** Those of models that don't chat. */
  readonly special: readonly SpecialServer[];
  readonly words: Words;
}

export interface ProcessesProps {
  readonly processes: readonly ProcessState[];
  readonly leader: string | null;
  readonly term: number;
}

/** How each is doing, in a line. */
export function ServerStates({ servers, special, words }: ServersProps) {
  const { house } = words;
  return (
    <ul class="servers">
      {servers.map(({ status, url, model, models, slots, foreignSlots, progress }) => (
        <li data-upstream={status}>
          {house.upstream(status, model)} <span class="note">{url}</span>
          {status === "ready" && (
            <span class="note">
              {" "}
              · {house.slotsOf(slots, foreignSlots)}
              {models.length > 1 &&
                ` · ${models.map((each) => `${each.name}: ${words.modelStatus[each.status]}`).join(", ")}`}
            </span>
          )}
          {status !== "ready" && progress !== null && progress.line !== "" && (
            <span class="note"> · {progress.line}</span>
          )}
        </li>
      ))}
      {special.map(({ status, url, model, purpose, progress }) => (
        <li data-upstream={status}>
          {house.upstream(status, model)} <span class="note">{url}</span>
          <span class="note"> · {house.purposes[purpose]}</span>
          {status !== "ready" && progress !== null && progress.line !== "" && (
            <span class="note"> · {progress.line}</span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** The processes of a house of several, and which of them leads. */
export function Processes({ processes, leader, term, words: { house } }: ProcessesProps & { words: Words }) {
  return (
    <ul class="servers processes">
      {processes.map(({ url, version, startedAt, sockets }) => (
        <li data-leads={url === leader ? "true" : undefined}>
          {url}
          {url === leader && <strong> {house.leads(term)}</strong>}
          <span class="note">
            {" "}
            · {house.process(version, sockets)}, {house.since(Math.round((Date.now() - startedAt) / 1000))}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Which are used, where that can be chosen; and what those of ours print. */
export function ServerChoice({ servers, special, areFixed, words }: ServersProps & { areFixed: boolean }) {
  const { house } = words;
  const ours = [...servers, ...special].filter((server) => server.ours);
  return (
    <section id="servers">
      <h2>{house.servers}</h2>
      {areFixed ? (
        <p class="note">{house.fixedServers}</p>
      ) : (
        <>
          {servers
            .filter((server) => !server.ours)
            .map(({ url }) => (
              <form method="post" action="/admin/servers" class="row">
                <input type="hidden" name="remove" value={url} />
                <span>{url}</span>
                <button type="submit" aria-label={`${house.remove}: ${url}`}>
                  {house.remove}
                </button>
              </form>
            ))}
          <form method="post" action="/admin/servers" class="row">
            <input
              name="add"
              type="url"
              required
              placeholder="http://192.168.0.5:8080"
              aria-label={house.serverAddress}
            />
            <button type="submit">{house.addServer}</button>
          </form>
        </>
      )}
      {ours.map(({ url, model }) => (
        <details
          hx-get={`/admin/log?of=${encodeURIComponent(url)}`}
          hx-trigger="toggle once"
          hx-target="find pre"
          hx-swap="outerHTML"
        >
          <summary>{house.serverLog(model ?? url)}</summary>
          <pre class="log" />
        </details>
      ))}
    </section>
  );
}

/** What a llama-server of ours has printed lately. */
export function ServerLog({ lines, words }: { lines: readonly string[]; words: Words }) {
  return (
    <pre class="log" tabindex={0}>
      {lines.length > 0 ? lines.join("\n") : words.house.noLog}
    </pre>
  );
}
