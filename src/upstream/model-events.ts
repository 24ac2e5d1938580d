// Follows the events of a llama-server in router mode about its models (`/models/sse`): loading, its
// progress, unloading.

import type { ModelState } from "../domain/upstream.ts";
import { dropBody, readBody, send, type Target } from "./http.ts";
import { SseParser } from "./sse.ts";

/** New state of one model. */
export type ModelChange = Pick<ModelState, "name" | "status" | "percent">;

interface Event {
  readonly model?: unknown;
  readonly data?: {
    readonly status?: unknown;
    readonly exit_code?: unknown;
    readonly progress?: { readonly value?: unknown } | null;
  } | null;
}

/** Longest line, in bytes: the event for a loaded model holds all its properties. */
const lineMaxBytes = 1 << 20;

interface Listener {
  /** The stream is open: each later change is reported. */
  opened(): void;
  changed(change: ModelChange): void;
}

/** Listens until the stream ends or `signal` is aborted; never rejects. */
export async function listenToModels(
  target: Target,
  { opened, changed }: Listener,
  signal: AbortSignal,
): Promise<void> {
  const event = (data: string) => {
    const change = changeOf(JSON.parse(data) as Event);
    if (change) changed(change);
    return false;
  };
  try {
    const response = await send(target, { method: "GET", path: "/models/sse" }, signal);
    if (!response.ok) return await dropBody(response);
    opened();
    const parser = new SseParser({ event }, lineMaxBytes);
    await readBody(response, signal, (bytes) => {
      parser.push(bytes);
      return false;
    });
  } catch {
    // the server is gone or sent no valid event: the next check listens again
  }
}

function changeOf({ model, data }: Event): ModelChange | null {
  if (typeof model !== "string" || typeof data?.status !== "string") return null;
  const share = data.progress?.value;
  const percent = typeof share === "number" ? Math.floor(Math.min(1, Math.max(0, share)) * 100) : null;
  if (data.status === "loading" || data.status === "downloading")
    return { name: model, status: "loading", percent };
  if (data.status === "loaded" || data.status === "sleeping")
    return { name: model, status: "loaded", percent: null };
  const hasFailed = typeof data.exit_code === "number" && data.exit_code !== 0;
  return { name: model, status: hasFailed ? "failed" : "unloaded", percent: null };
}
