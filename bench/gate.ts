// Stands between the source and a page that shows its answers, notes when the last token went by, and serves llama-server's own UI in
// llama-server's manner: compressed, with what the UI asks for beside answers. Used by bench/browser.ts and bench/start.ts.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { uiRelease } from "./llama-ui.ts";
import { serveLikeLlama } from "./source.ts";

export interface Gate {
  readonly url: string;
  /** Resolves with the moment (ms since 1970) at which the next answer's last token goes by. */
  nextEnd(): Promise<number>;
  stop(): void;
}

const props = {
  default_generation_settings: {
    params: { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05 },
    n_ctx: 65_536,
  },
  total_slots: 1,
  model_alias: "source",
  model_path: "source.gguf",
  modalities: { vision: false, video: false, audio: false },
  endpoint_slots: true,
  endpoint_props: false,
  endpoint_metrics: false,
  ui: true,
  ui_settings: {},
  chat_template: "",
  chat_template_caps: { supports_system_role: true },
  build_info: uiRelease,
  is_sleeping: false,
};
const models = {
  object: "list",
  data: [
    { id: "source", aliases: ["source"], object: "model", created: 1_790_000_000, owned_by: "llamacpp" },
  ],
  models: [],
};

const finish = '"finish_reason":"stop"';

/** Opens it before `sourceUrl`; `uiFolder` has the UI's files, if there are any. */
export function openGate(sourceUrl: string, uiFolder: string | null): Gate {
  let ended: (at: number) => void = () => {};

  async function answer(question: string): Promise<Response> {
    const { body, headers } = await fetch(`${sourceUrl}/v1/chat/completions`, {
      method: "POST",
      body: question,
    });
    const watch = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, onwards) {
        onwards.enqueue(chunk);
        if (Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).includes(finish))
          ended(performance.timeOrigin + performance.now());
      },
    });
    return new Response((body as ReadableStream<Uint8Array>).pipeThrough(watch), {
      headers: { "content-type": headers.get("content-type") ?? "" },
    });
  }

  const packed = new Map<string, Response>();
  async function file(path: string): Promise<Response> {
    if (uiFolder === null || path.includes("..") || !existsSync(join(uiFolder, path)))
      return new Response("Not found", { status: 404 });
    const name = path === "/" ? "/index.html" : path;
    if (!packed.has(name)) {
      const content = Bun.file(join(uiFolder, name));
      const isolation = {
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
      };
      const headers = {
        "content-type": content.type,
        "content-encoding": "gzip",
        "cache-control": name.startsWith("/_app/immutable/")
          ? "public, max-age=31536000, immutable"
          : "no-cache",
        ...(name === "/index.html" && isolation),
      };
      packed.set(name, new Response(Bun.gzipSync(await content.bytes()), { headers }));
    }
    return (packed.get(name) as Response).clone() as Response;
  }

  const server = serveLikeLlama(props, async (request, pathname) => {
    if (pathname === "/v1/models") return Response.json(models);
    if (pathname === "/v1/streams/lookup") return Response.json([]);
    if (pathname === "/tools")
      return Response.json({ error: { message: "this feature is disabled" } }, { status: 403 });
    if (pathname === "/v1/chat/completions") return answer(await request.text());
    return request.method === "GET" ? file(pathname) : new Response("Not found", { status: 404 });
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    nextEnd: () =>
      new Promise((resolve) => {
        ended = resolve;
      }),
    stop: () => server.stop(true),
  };
}
