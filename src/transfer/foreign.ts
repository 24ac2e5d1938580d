// The forms of others, as far as parlor reads them: the shape is taken over, nothing is checked here (transfer/read does).
// llama-server's UI: tools/ui/src/lib/services/conversation-transfer.service.ts of llama.cpp v0.5.0.
// ChatGPT: conversations.json of its data export, a `mapping` of nodes with parent and children.

export type Dict = Record<string, unknown>;

export const isDict = (value: unknown): value is Dict => typeof value === "object" && value !== null && !Array.isArray(value);

/** A conversation as a file says it, before anything in it is believed. */
export interface Loose {
  readonly id?: unknown;
  readonly owner?: unknown;
  readonly title?: unknown;
  readonly head?: string | null;
  readonly settings?: unknown;
  readonly createdAt?: unknown;
  readonly updatedAt?: unknown;
  readonly messages: readonly {
    readonly id: string;
    readonly parent?: string | null;
    readonly role?: unknown;
    readonly text?: unknown;
    readonly reasoning?: unknown;
    readonly createdAt?: unknown;
  }[];
}

/** llama-server's own UI: times in milliseconds, a root message without role above the first. */
export function fromLlamaUi(conv: Dict, messages: readonly unknown[]): Loose {
  return {
    id: conv["id"],
    title: conv["name"],
    head: conv["currNode"] as string | null,
    updatedAt: conv["lastModified"],
    messages: messages.filter(isDict).map((message) => ({
      id: message["id"] as string,
      parent: message["parent"] as string | null,
      role: message["type"] === "root" ? null : message["role"],
      text: message["content"],
      reasoning: message["reasoningContent"] ?? message["thinking"],
      createdAt: message["timestamp"],
    })),
  };
}

/** ChatGPT: times in seconds, texts in parts of which some are pictures and files. */
export function fromChatGpt(conversation: Dict, mapping: Dict): Loose {
  const nodes = Object.values(mapping).filter(isDict);
  return {
    id: conversation["conversation_id"] ?? conversation["id"],
    title: conversation["title"],
    head: conversation["current_node"] as string | null,
    createdAt: inMs(conversation["create_time"]),
    updatedAt: inMs(conversation["update_time"]),
    messages: nodes.map((node) => {
      const message = isDict(node["message"]) ? node["message"] : {};
      const author = isDict(message["author"]) ? message["author"] : {};
      const content = isDict(message["content"]) ? message["content"] : {};
      const parts = Array.isArray(content["parts"]) ? content["parts"].filter((part) => typeof part === "string") : [];
      const text = parts.join("\n");
      return {
        id: node["id"] as string,
        parent: node["parent"] as string | null,
        role: text === "" ? null : author["role"],
        text,
        createdAt: inMs(message["create_time"]),
      };
    }),
  };
}

function inMs(seconds: unknown): number | undefined {
  return typeof seconds === "number" ? seconds * 1000 : undefined;
}
