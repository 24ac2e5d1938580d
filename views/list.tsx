// The list of conversations: a column beside the thread, a drawer on phones. Grouped by the reader's days.

import type { Person } from "../src/domain/account.ts";
import type { ListedConversation, ListPlace } from "../src/domain/conversation.ts";
import type { ConversationId } from "../src/domain/id.ts";
import { commandPath } from "./form-path.ts";
import { periodOf } from "./time.tsx";
import { Transfer } from "./transfer.tsx";
import type { Words } from "./words.ts";

/** Ids of the elements that frames address. */
export const listIds = { body: "list-body", pinned: "list-pinned", today: "list-today" } as const;

export const itemId = (conversation: ConversationId): string => `l-${conversation}`;

/** The menu of an entry: filled on demand, and kept when the list around it is rendered again. */
export const menuId = (conversation: ConversationId): string => `n-${conversation}`;

/** Conversations per page of the list. */
export const listPageMax = 50;

interface ListProps {
  readonly list: readonly ListedConversation[];
  /** The conversation that the page shows. */
  readonly open: ConversationId;
  readonly words: Words;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function Sidebar(props: ListProps & { person: Person; hasAccounts: boolean }) {
  const { words } = props;
  return (
    <nav id="list" aria-label={words.conversations} popover="auto">
      <a class="new" href="/">
        {words.newChat}
      </a>
      <search class="search">
        <input
          type="search"
          name="q"
          aria-label={words.search}
          placeholder={words.search}
          autocomplete="off"
          hx-get="/search"
          hx-trigger="input changed delay:200ms"
          hx-target="#found"
        />
      </search>
      <div id="found" aria-live="polite" />
      <div id={listIds.body} class="conversations">
        <ListBody {...props} />
      </div>
      <Transfer words={words} />
      <p class="who">
        <a href="/documents">{words.library.title}</a>
        {props.hasAccounts && <a href="/account">{props.person.name}</a>}
        {props.person.role === "admin" && <a href="/admin">{words.house.operate}</a>}
      </p>
    </nav>
  );
}

/** The first page. The groups "Pinned" and "Today" are always there, so that frames can add entries. */
export function ListBody(props: ListProps) {
  const pinned = props.list.filter((entry) => entry.pinned);
  const isToday = ({ updatedAt }: ListedConversation) =>
    periodOf(updatedAt, props.now, props.words).key === "today";
  const today = props.list.filter((entry) => !entry.pinned && isToday(entry));
  const older = props.list.filter((entry) => !entry.pinned && !isToday(entry));
  return (
    <>
      <Group id={listIds.pinned} name={props.words.pinned} {...props} list={pinned} />
      <Group id={listIds.today} name={props.words.today} {...props} list={today} />
      <OlderGroups
        {...props}
        list={older}
        isFull={props.list.length >= listPageMax}
        last={props.list.at(-1)}
      />
    </>
  );
}

/**
 * The groups below today's, and a marker that loads the next page when it scrolls into view. `after` is the
 * entry before the first.
 */
export function OlderGroups(
  props: ListProps & { isFull: boolean; last: ListedConversation | undefined; after?: ListPlace },
) {
  const { list, words, now, after } = props;
  const periods = new Map(
    list.map(({ updatedAt }) => periodOf(updatedAt, now, words)).map((period) => [period.key, period]),
  );
  const before = after && !after.pinned ? periodOf(after.updatedAt, now, words).key : null;
  return (
    <>
      {[...periods.values()].map(({ key, name }) => (
        <Group
          name={key === before ? "" : name}
          {...props}
          list={list.filter((entry) => periodOf(entry.updatedAt, now, words).key === key)}
        />
      ))}
      {props.isFull && props.last && (
        <p
          id="list-more"
          class="earlier"
          hx-get={`/list?after=${props.last.id}&at=${props.last.updatedAt}&pinned=${props.last.pinned}&open=${props.open}`}
          hx-trigger="intersect once root:#list-body"
          hx-swap="outerHTML"
        >
          …
        </p>
      )}
    </>
  );
}

function Group({ id, name, list, open, words }: ListProps & { id?: string; name: string }) {
  return (
    <section>
      {name !== "" && <h2>{name}</h2>}
      <ul id={id}>
        {list.map((entry) => (
          <ListItem entry={entry} isOpen={entry.id === open} words={words} />
        ))}
      </ul>
    </section>
  );
}

export function ListItem({
  entry,
  isOpen,
  words,
}: {
  entry: ListedConversation;
  isOpen: boolean;
  words: Words;
}) {
  const { id, title, active } = entry;
  return (
    <li id={itemId(id)} data-active={active ? "true" : undefined}>
      <a href={`/c/${id}`} aria-current={isOpen ? "page" : undefined}>
        {title}
        {active && <span class="unseen"> {words.answering}</span>}
      </a>
      <button
        type="button"
        aria-label={`${words.options}: ${title}`}
        title={words.options}
        hx-get={`/c/${id}/menu`}
        hx-target={`#${menuId(id)}`}
      >
        ⋯
      </button>
      <div class="menu" id={menuId(id)} hx-preserve hx-morph-skip />
    </li>
  );
}

/** The actions on a conversation. Fetched on demand. */
export function Menu({
  entry,
  words,
}: {
  entry: Pick<ListedConversation, "id" | "title" | "pinned">;
  words: Words;
}) {
  return (
    <form hx-ws:send>
      <input type="hidden" name="conversation" value={entry.id} />
      <input name="title" value={entry.title} aria-label={words.name} maxlength={200} autofocus />
      <button type="submit" name="type" value="rename">
        {words.rename}
      </button>
      <button type="submit" name="type" value={entry.pinned ? "unpin" : "pin"}>
        {entry.pinned ? words.unpin : words.pin}
      </button>
      <button type="submit" name="type" value="remove">
        {words.delete}
      </button>
      <p class="note">
        {words.exportAs}{" "}
        <a href={`/c/${entry.id}/export.md`} download>
          Markdown
        </a>{" "}
        <a href={`/c/${entry.id}/export.json`} download>
          JSON
        </a>
      </p>
    </form>
  );
}

/** Shown after a delete, with a button to undo it. */
export function Removed({ conversation, words }: { conversation: ConversationId; words: Words }) {
  return (
    <form hx-ws:send method="post" action={commandPath(conversation)} class="removed">
      <span>{words.removed}</span>
      <input type="hidden" name="conversation" value={conversation} />
      <button type="submit" name="type" value="restore">
        {words.undo}
      </button>
    </form>
  );
}
