// The page of one conversation. In a browser without scripts an answer that is being written is streamed into
// it.

import type { Context } from "hono";
import { listPageMax } from "../../views/list.tsx";
import { inWords } from "../../views/markdown/marks.ts";
import { ChatPage } from "../../views/page.tsx";
import type { Auth } from "../auth/auth.ts";
import type { Bus } from "../bus/bus.ts";
import type { Attachments } from "../chat/attachments.ts";
import type { Chat } from "../chat/chat.ts";
import type { Quota } from "../chat/quota.ts";
import type { Servers } from "../chat/servers.ts";
import type { Threads } from "../chat/threads.ts";
import type { FailureReport } from "../domain/failure.ts";
import type { StoredFile } from "../domain/file.ts";
import { type ConversationId, isId, isTemporary, newId } from "../domain/id.ts";
import { machineOf, type UpstreamState } from "../domain/upstream.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import type { Store } from "../store/store.ts";
import { assetPaths } from "./assets.ts";
import { htmlBelow } from "./base.ts";
import { growingPage, textPlace } from "./growing.ts";
import { type Env, firstSettings, html, personOf, wordsFor } from "./visitor.ts";

export interface PageDependencies {
  readonly auth: Auth;
  readonly chat: Chat;
  readonly threads: Threads;
  readonly quota: Quota;
  readonly settings: SettingsResolver;
  readonly servers: Servers;
  readonly store: Store;
  readonly bus: Bus;
  readonly attachments: Attachments;
  /** A page whose socket is silent for this long opens another, in ms. */
  readonly silentMs: number;
  /** The path that parlor is below, such as /chat; empty at the root. */
  readonly basePath: string;
  upstream(): UpstreamState;
  bug(error: unknown): void;
}

interface PageOptions {
  /** The conversation does not exist yet: the page offers personas. */
  readonly isNew?: boolean;
  /** The oldest message that the page must show. */
  readonly through?: string | null;
  /** Text for the composer: what was typed when a form was refused. */
  readonly typed?: string;
  /** Its files, which are stored. */
  readonly attached?: readonly StoredFile[];
  readonly notice?: FailureReport | null;
}

export class ConversationPages {
  readonly #dependencies: PageDependencies;

  constructor(dependencies: PageDependencies) {
    this.#dependencies = dependencies;
  }

  /** Answers with the page. @throws Failure `not_found` for another person's conversation */
  async answer(c: Context<Env>, conversation: ConversationId, options: PageOptions = {}): Promise<Response> {
    const { chat, threads, settings, basePath, bus, bug } = this.#dependencies;
    const { isNew = false, through = null } = options;
    await chat.enter(personOf(c), conversation);
    const thread = await threads.read(conversation, through === null ? {} : { through });
    const [snapshot] = thread.live;
    const isStreamed = c.req.query("plain") !== undefined && snapshot !== undefined;
    const place = isStreamed ? { rendered: () => ({ text: textPlace, thought: "" }) } : {};
    const props = {
      ...thread,
      ...(isNew && (await this.#first(c))),
      choices: isNew ? await settings.choices() : [],
      ...this.#requestProps(c, conversation, options),
      ...(await this.#personProps(c)),
      attachBounds: await this.#attachBounds(c, conversation),
      ...place,
    };
    const whole = html(<ChatPage {...props} />);
    if (!isStreamed) return c.html(whole);
    c.header("content-type", "text/html; charset=utf-8");
    c.set("grows", true);
    return c.body(
      growingPage({
        bus,
        conversation,
        html: htmlBelow(whole, basePath),
        live: (id) => threads.live(id),
        inWords: (part) => htmlBelow(inWords(part, props.words), basePath),
        onError: bug,
      }),
    );
  }

  /** How a conversation that begins now is answered. */
  async #first(c: Context<Env>) {
    const { settings, store } = this.#dependencies;
    const isAsked = c.req.query("documents") !== undefined;
    const collections = isAsked ? await store.collections.reachable(personOf(c).id) : [];
    const effective = await firstSettings(c, settings, collections);
    const { documents = [] } = effective;
    const answersFrom = collections.filter(({ id }) => documents.includes(id)).map(({ name }) => name);
    return { effective, answersFrom };
  }

  /** What the page shows because of its address and of the form before it. */
  #requestProps(c: Context<Env>, conversation: ConversationId, options: PageOptions) {
    const { through = null, typed = "", attached = [], notice = null } = options;
    const pruned = c.req.query("pruned");
    return {
      conversation,
      pruned: isId(pruned) ? pruned : null,
      through,
      typed,
      attached,
      notice,
      isPlain: c.req.query("plain") !== undefined,
      isTemporary: isTemporary(conversation),
      message: newId(),
      now: Date.now(),
    };
  }

  /** What the page says of files before they are chosen. */
  async #attachBounds(c: Context<Env>, conversation: ConversationId) {
    const { attachments, chat, settings } = this.#dependencies;
    const first = await settings.first(c.req.query("persona") ?? null);
    const { vision } = await chat.modelFacts(conversation, first);
    const usage = await attachments.usage(personOf(c));
    return { ...attachments.bounds, usage, isUnseen: vision === false };
  }

  /** What the page shows about its reader and about parlor itself. */
  async #personProps(c: Context<Env>) {
    const { auth, quota, servers, store, silentMs, upstream } = this.#dependencies;
    const person = personOf(c);
    return {
      person,
      list: await store.list({ owner: person.id, limit: listPageMax }),
      allowance: await quota.allowance(person),
      messageMaxBytes: quota.messageMaxBytes(person),
      hasAccounts: auth.mode !== "none",
      elsewhere: [...new Set(servers.now.flatMap(({ url }) => machineOf(url) ?? []))],
      upstream: upstream(),
      assets: assetPaths,
      silentMs,
      words: wordsFor(c),
    };
  }
}
