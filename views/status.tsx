// The state of the connection and of the model. Every colour has words beside it.

import type { ModelState, UpstreamState } from "../src/domain/upstream.ts";
import type { Words } from "./words.ts";

/** Ids of the elements that frames address. */
export const statusIds = { status: "status", upstream: "upstream" } as const;

/** `connected` is false in a page as delivered: only an open socket makes it true. */
export function Status({
  upstream,
  connected,
  words,
}: {
  upstream: UpstreamState;
  connected: boolean;
  words: Words;
}) {
  const word = { ready: words.connected, loading: words.upstreamLoading, absent: words.upstreamAbsent }[
    upstream.status
  ];
  return (
    <p
      id={statusIds.status}
      role="status"
      data-connection={connected ? "on" : "off"}
      data-upstream={upstream.status}
    >
      <span class="when-on">{upstream.progress?.failure ? words.ownFailed : word}</span>
      <span class="when-off">{words.reconnecting}</span>
    </p>
  );
}

/** Models that are being loaded because somebody has asked for them. */
function Loading({ models, words }: { models: readonly ModelState[]; words: Words }) {
  const loading = models.filter((model) => model.status === "loading");
  if (loading.length === 0) return <></>;
  return (
    <div class="upstream">
      {loading.map(({ name, percent }) => (
        <p>
          {words.modelLoading(name)}{" "}
          {percent !== null && <progress max={100} value={percent} aria-label={words.modelLoading(name)} />}
        </p>
      ))}
    </div>
  );
}

/**
 * What the house waits for while no model answers; nothing once it does. Addresses, commands and the output
 * of llama-server are for admins alone.
 */
export function UpstreamBanner({
  upstream,
  isAdmin,
  words,
}: {
  upstream: UpstreamState;
  isAdmin: boolean;
  words: Words;
}) {
  const { status, ours, url, progress, models } = upstream;
  if (status === "ready") return <Loading models={models} words={words} />;
  if (!isAdmin)
    return (
      <div class="upstream">
        <p>{status === "loading" && !progress?.failure ? words.modelComes : words.modelAway}</p>
        {progress?.percent != null && !progress.failure && (
          <progress max={100} value={progress.percent} aria-label={words.modelComes} />
        )}
        <p>{words.goesOn}</p>
      </div>
    );
  return (
    <div class="upstream">
      {ours ? (
        <p>{progress?.failure ? words.ownFailed : words.ownStarting}</p>
      ) : status === "loading" ? (
        <p>{words.foreignLoading}</p>
      ) : (
        <>
          <p>{words.waitingFor(url)}</p>
          <p>
            {words.howToStart} <code>llama-server -m MODEL.gguf --port {new URL(url).port || "8080"}</code>
          </p>
        </>
      )}
      {progress?.percent != null && (
        <progress max={100} value={progress.percent} aria-label={words.ownStarting} />
      )}
      {progress && progress.line !== "" && (
        <p class="line">
          {progress.percent === null ? progress.line : `${progress.percent} % · ${progress.line}`}
        </p>
      )}
      {progress?.failure && <p>{words.startAdvice[progress.failure]}</p>}
      <p>{words.goesOn}</p>
    </div>
  );
}
