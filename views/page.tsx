// The whole page: head, header, thread, composer. Rendered once per load; afterwards frames change it.

import type { Child } from "hono/jsx";
import type { Person } from "../src/domain/account.ts";
import type { ListedConversation } from "../src/domain/conversation.ts";
import type { MessageId } from "../src/domain/id.ts";
import type { Persona } from "../src/domain/persona.ts";
import type { UpstreamState } from "../src/domain/upstream.ts";
import { Composer, type ComposerFacts } from "./composer.tsx";
import { commandPath } from "./form-path.ts";
import { htmxConfig } from "./frame.ts";
import { Sidebar } from "./list.tsx";
import { ids } from "./message.tsx";
import { PersonaButton, panelIds, Welcome } from "./settings.tsx";
import { EmptyPanel } from "./source.tsx";
import { Status, statusIds, UpstreamBanner } from "./status.tsx";
import { Articles, type ConversationNow, composerState } from "./thread.tsx";
import { pageTitle } from "./title.ts";
import type { Words } from "./words.ts";

/** Addresses of the embedded files. */
export interface Assets {
  readonly css: string;
  readonly js: string;
  readonly icon: string;
}

interface PageProps extends ConversationNow, ComposerFacts {
  /** The list's first page. */
  readonly list: readonly ListedConversation[];
  /** Personas that can be chosen. */
  readonly choices: readonly Persona[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The oldest message that the page must hold, when it was asked for. */
  readonly through: MessageId | null;
  readonly upstream: UpstreamState;
  /** Machines other than this one on which a llama-server may answer. */
  readonly elsewhere: readonly string[];
  readonly assets: Assets;
  /** A page takes its socket for dead when nothing has come for this long. */
  readonly silentMs: number;
  readonly person: Person;
  /** There are accounts: this is one of several people. */
  readonly hasAccounts: boolean;
  readonly words: Words;
}

/** A conversation, or the start of one. */
export function ChatPage(props: PageProps) {
  const { conversation, live, upstream, words } = props;
  const foot = (
    <footer>
      <div id={statusIds.upstream}>
        <UpstreamBanner upstream={upstream} isAdmin={props.person.role === "admin"} words={words} />
      </div>
      <Composer {...props} state={composerState(live)} {...chosenIn(props)} />
    </footer>
  );
  return (
    <Layout
      title={pageTitle(props.title)}
      assets={props.assets}
      words={words}
      live={`/live?c=${conversation}${props.through ? `&at=${props.through}` : ""}`}
      conversation={conversation}
      silentMs={props.silentMs}
      person={props.person.id}
      again={live.length > 0 && !props.isPlain ? `0;url=${commandPath(conversation)}` : undefined}
    >
      <a class="skip" href="#text">
        {words.skip}
      </a>
      <Sidebar
        person={props.person}
        hasAccounts={props.hasAccounts}
        list={props.list}
        open={conversation}
        words={words}
        now={props.now}
      />
      <header>
        <button
          type="button"
          class="drawer"
          popovertarget="list"
          aria-label={words.conversations}
          title={words.conversations}
        >
          ☰
        </button>
        <a class="wordmark" href="/">
          parlor
        </a>
        <Status upstream={upstream} connected={false} words={words} />
        <PersonaButton {...props} />
        {!props.isTemporary && (
          <button
            type="button"
            class="share"
            popovertarget={panelIds.settings}
            title={words.house.share}
            hx-get={`/c/${conversation}/share`}
            hx-target={`#${panelIds.settings}`}
          >
            {words.house.share}
          </button>
        )}
        <a class="new" href="/" title={words.newChat}>
          <span aria-hidden="true">+</span>
          <span class="unseen">{words.newChat}</span>
        </a>
      </header>
      {props.isPlain && foot}
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
              <Articles {...props} />
            </div>
            <Welcome {...props} />
            <div id="end" />
          </div>
        </div>
        <button type="button" class="to-end" id="to-end" aria-label={words.toEnd} title={words.toEnd} hidden>
          ↓
        </button>
      </main>
      {!props.isPlain && foot}
      <div id={panelIds.settings} class="settings" popover="auto" role="dialog" aria-label={words.settings} />
      <div id="keys" class="settings" popover="auto" role="dialog" aria-label={words.keys}>
        <dl>
          {Object.entries(words.keyDoes).map(([key, does]) => (
            <div>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
      </div>
      <EmptyPanel />
      <p id="announce" role="status" class="unseen" />
      {props.isPlain && live.length > 0 && (
        <meta http-equiv="refresh" content={`0;url=${commandPath(conversation)}`} />
      )}
    </Layout>
  );
}

/** What the form of a first question names. */
const chosenIn = ({ effective: { persona, documents = [] } }: PageProps) => ({
  persona: persona?.id ?? null,
  documents,
});

/** A page that says one sentence: not found, refused, failed. */
export function SentencePage({
  sentence,
  assets,
  words,
}: {
  sentence: string;
  assets: Assets;
  words: Words;
}) {
  return (
    <Layout title="parlor" assets={assets} words={words}>
      <main class="sentence">
        <a class="wordmark" href="/">
          parlor
        </a>
        <h1>{sentence}</h1>
        <p>
          <a href="/">{words.newChat}</a>
        </p>
      </main>
    </Layout>
  );
}

/** The frame of every page. */
export function Layout(props: {
  title: string;
  assets: Assets;
  words: Words;
  live?: string;
  conversation?: string;
  silentMs?: number;
  /** Whose page it is: what they have typed is kept in the browser as theirs. */
  person?: string;
  again?: string | undefined;
  /** For readers who have its address, not for search engines. */
  isPrivate?: boolean;
  children: Child;
}) {
  const { assets, words, live } = props;
  return (
    <html lang={words.lang}>
      <head>
        <meta charset="utf-8" />
        <meta
          name="viewport"
          content="width=device-width, initial-scale=1, interactive-widget=resizes-content"
        />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content={htmxConfig} />
        {props.isPrivate && <meta name="robots" content="noindex, nofollow" />}
        {props.again !== undefined && (
          <noscript>
            <meta http-equiv="refresh" content={props.again} />
          </noscript>
        )}
        <title>{props.title}</title>
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.css} />
        <script defer src={assets.js} />
      </head>
      <body
        hx-ws:connect={live}
        hx-swap={live && "none"}
        data-conversation={props.conversation}
        data-silent-ms={props.silentMs}
        data-person={props.person}
        data-zone={words.zone}
        data-not-copied={words.notCopied}
      >
        {props.children}
      </body>
    </html>
  );
}
