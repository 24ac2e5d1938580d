// Export formats of other programs. Only the shape is translated here; transfer/loose checks the values.
// llama-server's UI: tools/ui/src/lib/services/conversation-transfer.service.ts of llama.cpp v0.5.0. Claude:
// conversations.json of its data export. Open WebUI: "Export chats". ChatGPT has a file of its own,
// transfer/chatgpt.

import { isJsonObject, type JsonObject } from "../domain/json.ts";
import type { LeaveOut, LooseConversation } from "./loose.ts";

/** llama-server's own UI: times in milliseconds, and a root message without a role above the first one. */
export function fromLlamaUi(
  conv: JsonObject,
  messages: readonly unknown[],
  leaveOut: LeaveOut,
): LooseConversation {
  return {
    id: conv["id"],
    title: conv["name"],
    head: conv["currNode"] as string | null,
    updatedAt: conv["lastModified"],
    messages: messages.filter(isJsonObject).map((message) => ({
      id: message["id"] as string,
      parent: message["parent"] as string | null,
      role: message["type"] === "root" || isCallOnly(message, leaveOut) ? null : message["role"],
      text: message["content"],
      reasoning: message["reasoningContent"] ?? message["thinking"],
      createdAt: message["timestamp"],
    })),
  };
}

/** True for an answer that has no text and only calls a tool. */
function isCallOnly({ content, toolCalls }: JsonObject, leaveOut: LeaveOut): boolean {
  const isCall = (content ?? "") === "" && typeof toolCalls === "string" && toolCalls.length > 2;
  if (isCall) leaveOut("tools");
  return isCall;
}

/**
 * Claude: times in ISO 8601, texts in blocks between thoughts and tool calls. Newer exports name a parent for
 * each message; in older ones each message follows the one before.
 */
export function fromClaude(
  conversation: JsonObject,
  messages: readonly unknown[],
  leaveOut: LeaveOut,
): LooseConversation {
  let before: string | null = null;
  return {
    id: conversation["uuid"],
    title: conversation["name"],
    head: conversation["current_leaf_message_uuid"] as string,
    createdAt: timeOf(conversation["created_at"]),
    updatedAt: timeOf(conversation["updated_at"]),
    messages: messages.filter(isJsonObject).map((message) => {
      const { text, reasoning } = claudeText(message, leaveOut);
      const id = message["uuid"] as string;
      const parent =
        typeof message["parent_message_uuid"] === "string" ? message["parent_message_uuid"] : before;
      before = id;
      const role = text === "" ? null : message["sender"] === "human" ? "user" : message["sender"];
      return { id, parent, role, text, reasoning, createdAt: timeOf(message["created_at"]) };
    }),
  };
}

function claudeText(message: JsonObject, leaveOut: LeaveOut): { text: string; reasoning: string } {
  const blocks = (Array.isArray(message["content"]) ? message["content"] : []).filter(isJsonObject);
  const texts: string[] = [];
  const thoughts: string[] = [];
  for (const { type, text, thinking } of blocks) {
    if (type === "text" && typeof text === "string") texts.push(text);
    else if (type === "thinking" && typeof thinking === "string") thoughts.push(thinking);
    else if (type === "tool_use") leaveOut("tools");
    else if (type !== "tool_result" && type !== "token_budget")
      leaveOut(type === "image" || type === "document" ? "files" : "other");
  }
  if (blocks.length === 0 && typeof message["text"] === "string") texts.push(message["text"]);
  for (const { extracted_content: content } of dictsIn(message["attachments"])) {
    if (typeof content === "string" && content !== "") texts.push(fenced(content));
    else leaveOut("files");
  }
  for (const _ of dictsIn(message["files"])) leaveOut("files");
  const join = (parts: string[]) => parts.filter((each) => each.trim() !== "").join("\n\n");
  return { text: join(texts), reasoning: join(thoughts) };
}

/** An attached text file, unchanged, as a code block. */
function fenced(text: string): string {
  let fence = "```";
  while (text.includes(fence)) fence += "`";
  return `${fence}\n${text}\n${fence}`;
}

/** Open WebUI: times in seconds, a tree in `history`; thoughts and calls stand in `<details>` in the text. */
export function fromOpenWebUi(entry: JsonObject, chat: JsonObject, leaveOut: LeaveOut): LooseConversation {
  const history = isJsonObject(chat["history"]) ? chat["history"] : {};
  const tree = isJsonObject(history["messages"]) ? Object.values(history["messages"]) : [];
  const list = dictsIn(tree.length > 0 ? tree : chat["messages"]);
  return {
    id: entry["id"] ?? chat["id"],
    title: entry["title"] ?? chat["title"],
    head: history["currentId"] as string,
    createdAt: timeOf(entry["created_at"] ?? chat["timestamp"]),
    updatedAt: timeOf(entry["updated_at"] ?? chat["timestamp"]),
    messages: list.map((message, i) => {
      for (const _ of dictsIn(message["files"])) leaveOut("files");
      const content = Array.isArray(message["content"])
        ? dictsIn(message["content"]).map(({ text }) => text ?? "")
        : [message["content"]];
      const { text, reasoning } = withoutDetails(content.join("\n"), leaveOut);
      const parent =
        tree.length > 0
          ? (message["parentId"] as string | null)
          : ((list[i - 1]?.["id"] ?? null) as string | null);
      const role = text.trim() === "" && message["role"] === "assistant" ? null : message["role"];
      return {
        id: message["id"] as string,
        parent,
        role,
        text,
        reasoning,
        createdAt: timeOf(message["timestamp"]),
      };
    }),
  };
}

const entities: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
  "&#39;": "'",
  "&amp;": "&",
};

const plain = (html: string): string =>
  html.replace(/&(?:lt|gt|quot|#x27|#39|amp);/g, (each) => entities[each] as string);

function withoutDetails(text: string, leaveOut: LeaveOut): { text: string; reasoning: string } {
  const opening = /<details type="(reasoning|tool_calls|code_interpreter)"[^<>]*>/g;
  const said: string[] = [];
  const thought: string[] = [];
  let from = 0;
  for (let found = opening.exec(text); found; found = opening.exec(text)) {
    const end = text.indexOf("</details>", opening.lastIndex);
    if (end < 0) break;
    said.push(text.slice(from, found.index));
    const inside = text.slice(opening.lastIndex, end).replace(/<summary>[^<]*<\/summary>/, "");
    if (found[1] !== "reasoning") leaveOut("tools");
    else thought.push(plain(inside.trim()).replace(/^> ?/gm, ""));
    from = end + "</details>".length;
    opening.lastIndex = from;
  }
  const rest =
    said.length === 0
      ? text
      : [...said, text.slice(from)]
          .map((each) => each.trim())
          .filter((each) => each !== "")
          .join("\n\n");
  return { text: rest, reasoning: thought.join("\n\n") };
}

const dictsIn = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : []);

/** Milliseconds of what is seconds, milliseconds or ISO 8601. */
function timeOf(value: unknown): number | undefined {
  if (typeof value === "string") return Date.parse(value) || undefined;
  if (typeof value !== "number") return undefined;
  return value < 1e11 ? value * 1000 : value; // seconds until the year 5138
}
