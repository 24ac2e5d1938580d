// ChatGPT's export: one or several numbered conversations.json, whose `mapping` holds nodes with a parent and
// children. Messages that ChatGPT shows are imported. Thoughts become the reasoning of the answer that
// follows them. Messages between programs are left out and counted. Pure.

import { isJsonObject, type JsonObject } from "../domain/json.ts";
import type { LeaveOut, LooseConversation, LooseMessage } from "./loose.ts";

/** Nodes above an answer that are searched for its thoughts. */
const thoughtsMaxNodes = 200;

export function fromChatGpt(
  conversation: JsonObject,
  mapping: JsonObject,
  leaveOut: LeaveOut,
): LooseConversation {
  const nodes = new Map(
    Object.entries(mapping).flatMap(([id, node]) => (isJsonObject(node) ? [[id, node] as const] : [])),
  );
  return {
    id: conversation["conversation_id"] ?? conversation["id"],
    title: conversation["title"],
    head: conversation["current_node"] as string | null,
    createdAt: inMs(conversation["create_time"]),
    updatedAt: inMs(conversation["update_time"]),
    messages: [...nodes].map(([id, node]): LooseMessage => {
      const message = isJsonObject(node["message"]) ? node["message"] : {};
      const role = roleOf(message, leaveOut);
      const text = role === null ? "" : textOf(message, leaveOut);
      const kept = text.trim() === "" ? null : role;
      const reasoning = kept === "assistant" ? thoughtsAbove(nodes, node) : "";
      return {
        id,
        parent: node["parent"] as string | null,
        role: kept,
        text,
        reasoning,
        createdAt: inMs(message["create_time"]),
      };
    }),
  };
}

const contentOf = (message: JsonObject): JsonObject =>
  isJsonObject(message["content"]) ? message["content"] : {};
const metadataOf = (message: JsonObject): JsonObject =>
  isJsonObject(message["metadata"]) ? message["metadata"] : {};
const isThought = (message: JsonObject): boolean =>
  contentOf(message)["content_type"] === "thoughts" || message["channel"] === "analysis";

/** The author's role, of a message that ChatGPT shows; null for any other, which is counted by its kind. */
function roleOf(message: JsonObject, leaveOut: LeaveOut): string | null {
  const role = isJsonObject(message["author"]) ? message["author"]["role"] : undefined;
  const { content_type: type = "text", parts } = contentOf(message);
  const isEmpty = type === "text" && (!Array.isArray(parts) || parts.every((part) => part === ""));
  const out = (kind: Parameters<LeaveOut>[0]) => {
    leaveOut(kind);
    return null;
  };
  if (role === undefined || isEmpty || isThought(message) || type === "reasoning_recap") return null;
  if (metadataOf(message)["is_visually_hidden_from_conversation"] === true || /_context$/.test(String(type)))
    return out("hidden");
  if (role === "system") return out("system");
  const isForPeople =
    (message["recipient"] ?? "all") === "all" && (type === "text" || type === "multimodal_text");
  if (role === "tool" || !isForPeople) return out(type === "system_error" ? "hidden" : "tools");
  return role === "user" || role === "assistant" ? role : out("other");
}

function textOf(message: JsonObject, leaveOut: LeaveOut): string {
  const { parts } = contentOf(message);
  const texts = (Array.isArray(parts) ? parts : []).flatMap((part: unknown) => {
    const text = isJsonObject(part) ? part["text"] : part; // spoken messages have their text one level deeper
    if (typeof text === "string") return [text];
    leaveOut("files");
    return [];
  });
  const text = texts.join("\n");
  return isJsonObject(message["author"]) && message["author"]["role"] === "assistant"
    ? withoutMarks(text, metadataOf(message), leaveOut)
    : text;
}

/** Marks where ChatGPT's pages draw a link or a chip: between private-use characters, or as 【1†source】. */
const marks = / ?(?:\ue200[^\ue200\ue201]*\ue201|【\d+(?::\d+)?†[^【】]*】)/g;
const brokenMarks = /[\ue200-\ue206]/g;

function withoutMarks(
  text: string,
  { content_references: references }: JsonObject,
  leaveOut: LeaveOut,
): string {
  if (!/[\ue200-\ue206†]/.test(text)) return text;
  const instead = new Map(
    (Array.isArray(references) ? references : [])
      .filter(isJsonObject)
      .map((each) => [String(each["matched_text"]).trim(), String(each["alt"] ?? "")]),
  );
  const replaced = text.replace(marks, (mark) => {
    const put = instead.get(mark.trim()) || insideOf(mark.trim());
    if (put === "") leaveOut("citations");
    return put === "" ? "" : `${mark.startsWith(" ") ? " " : ""}${put}`;
  });
  return replaced.replace(brokenMarks, "");
}

/** The words inside a mark: a link's text, a name. */
function insideOf(mark: string): string {
  const [kind, words = ""] = mark.slice(1, -1).split("\ue202");
  if (kind === "url") return words;
  return (kind === "entity" && /^\["[^"]*", ?"([^"\\]*)"/.exec(words)?.[1]) || "";
}

/** The thoughts between an answer and the message before it. */
function thoughtsAbove(nodes: ReadonlyMap<string, JsonObject>, answer: JsonObject): string {
  const found: string[] = [];
  let at = nodes.get(String(answer["parent"]));
  for (let i = 0; at && i < thoughtsMaxNodes; i++) {
    const message = isJsonObject(at["message"]) ? at["message"] : {};
    if (isThought(message)) found.unshift(thoughtsOf(contentOf(message)));
    else if (roleOf(message, () => {}) !== null) break;
    at = nodes.get(String(at["parent"]));
  }
  return found.filter((text) => text !== "").join("\n\n");
}

function thoughtsOf({ thoughts, parts }: JsonObject): string {
  if (Array.isArray(parts)) return parts.filter((part) => typeof part === "string").join("\n");
  const each = (Array.isArray(thoughts) ? thoughts : []).filter(isJsonObject).map(({ summary, content }) => {
    const head = typeof summary === "string" && summary !== "" ? [`**${summary}**`] : [];
    return [...head, ...(typeof content === "string" && content !== "" ? [content] : [])].join("\n\n");
  });
  return each.join("\n\n");
}

const inMs = (seconds: unknown): number | undefined =>
  typeof seconds === "number" ? seconds * 1000 : undefined;
