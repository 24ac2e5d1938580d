// Sharing a conversation by a link, and the page that such a link leads to: the thread alone, to read.

import type { Link } from "../src/domain/account.ts";
import type { ConversationId } from "../src/domain/id.ts";
import type { UpstreamState } from "../src/domain/upstream.ts";
import { Copy } from "./acts.tsx";
import { ids } from "./message.tsx";
import { type Assets, Layout } from "./page.tsx";
import { panelIds } from "./settings.tsx";
import { Status } from "./status.tsx";
import { Articles, type ThreadNow } from "./thread.tsx";
import { Time } from "./time.tsx";
import { pageTitle } from "./title.ts";
import type { Words } from "./words.ts";

interface DialogProps {
  readonly conversation: ConversationId;
  readonly links: readonly Link[];
  /** Its answers may cite passages. */
  readonly hasSources: boolean;
  /** Ours as the browser knows it. */
  readonly origin: string;
  readonly words: Words;
}

/** The links of a conversation, and another one. Fetched into the page's panel. */
export function ShareDialog({ conversation, links, hasSources, origin, words }: DialogProps) {
  const { house } = words;
  const post = { "hx-post": `/c/${conversation}/share`, "hx-target": `#${panelIds.settings}` };
  return (
    <>
      <p>{house.shareText}</p>
      <ul class="links">
        {links.map(({ token, expiresAt, showsSources }) => (
          <li>
            <form {...post}>
              <input type="hidden" name="revoke" value={token} />
              <input readonly value={`${origin}/s/${token}`} aria-label={house.share} />
              <Copy words={words} />
              <span class="note">
                <Until time={expiresAt} words={words} />
                {showsSources && `, ${house.linkShowsSources}`}
              </span>
              <button type="submit">{house.revoke}</button>
            </form>
          </li>
        ))}
      </ul>
      <form {...post}>
        <select name="lifetime" aria-label={house.makeLink}>
          {Object.entries(house.linkFor).map(([lifetime, label]) => (
            <option value={lifetime} selected={lifetime === "week"}>
              {label}
            </option>
          ))}
        </select>
        {hasSources && (
          <label class="check">
            <input type="checkbox" name="sources" /> {house.shareSources}
          </label>
        )}
        <button type="submit">{house.makeLink}</button>
      </form>
    </>
  );
}

function Until({ time, words }: { time: number | null; words: Words }) {
  const { house } = words;
  if (time === null) return <>{house.untilRevoked}</>;
  return (
    <>
      {house.until} <Time at={time} words={words} />
    </>
  );
}

interface SharedProps extends ThreadNow {
  readonly token: string;
  readonly expiresAt: number | null;
  readonly upstream: UpstreamState;
  readonly assets: Assets;
  readonly silentMs: number;
  readonly words: Words;
}

/** A conversation as somebody sees it who has a link to it: live, with nothing that could be pressed. */
export function SharedPage(props: SharedProps) {
  const { token, expiresAt, upstream, assets, silentMs, words, live } = props;
  return (
    <Layout
      title={pageTitle(props.title)}
      assets={assets}
      words={words}
      live={`/live?s=${token}`}
      silentMs={silentMs}
      again={live.length > 0 ? `5;url=/s/${token}` : undefined}
      isPrivate
    >
      <header>
        <a class="wordmark" href="/">
          parlor
        </a>
        <Status upstream={upstream} connected={false} words={words} />
        <p class="note">
          {words.house.shared} <Until time={expiresAt} words={words} />
        </p>
      </header>
      <main>
        <h1 class="unseen">{words.conversation}</h1>
        <div
          class="scroller"
          id="scroller"
          tabindex={0}
          role="log"
          aria-live="off"
          aria-label={words.conversation}
        >
          <div class="column">
            <div id={ids.thread}>
              <Articles {...props} path={`/s/${token}`} isReader />
            </div>
            <div id="end" />
          </div>
        </div>
      </main>
      <footer>
        <div id="upstream" />
        <div id="notice" role="alert" class="failure" />
      </footer>
      <p id="announce" role="status" class="unseen" />
    </Layout>
  );
}
