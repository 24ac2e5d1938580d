// A source of known pace, as a process of its own: speaks llama-server's streaming chat protocol and writes the moment of
// sending into each token, so that a reader on this machine can say how old it is. Run: bun bench/source.ts
// The question says what to send: `{"tokens":200,"perSecond":20}`; perSecond 0 means as fast as it is taken.

const slots = 1024;
const head = `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"`;
const tail = `"}}],"created":1790000000,"id":"chatcmpl-0123456789abcdefghijklmnopqrstuv","model":"source.gguf","system_fingerprint":"b1-0000000","object":"chat.completion.chunk"}\n\n`;

/** Microseconds since 1970, comparable between processes of one machine. */
export const microseconds = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);

/** A token of 17 characters: a space and the moment it was made. */
const token = (): string => ` ${microseconds()}`;

function stream(tokens: number, perSecond: number): ReadableStream {
  let sent = 0;
  const event = () => head + token() + tail;
  const end = `data: {"choices":[{"finish_reason":"stop","index":0,"delta":{}}]}\n\ndata: [DONE]\n\n`;
  return new ReadableStream({
    type: "direct",
    async pull(controller: ReadableStreamDirectController) {
      // the first token at once, then each stream at a phase of its own, so that they do not tick together
      const startedAt = performance.now() - Math.random() * (perSecond ? 1000 / perSecond : 0);
      while (sent < tokens) {
        if (perSecond) {
          const wait = startedAt + (sent * 1000) / perSecond - performance.now();
          if (wait > 0) await Bun.sleep(wait);
        }
        controller.write(event());
        sent++;
        if (perSecond || sent % 64 === 0) await controller.flush();
      }
      controller.write(end);
      controller.close();
    },
  } as never);
}

if (import.meta.main) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/health") return Response.json({ status: "ok" });
      if (pathname === "/props") return Response.json({ total_slots: slots, model_alias: "source" });
      if (pathname === "/slots") return Response.json([]);
      const { messages } = (await request.json()) as { messages: { content: string }[] };
      const { tokens, perSecond } = JSON.parse(messages.at(-1)?.content as string) as { tokens: number; perSecond: number };
      return new Response(stream(tokens, perSecond), { headers: { "content-type": "text/event-stream" } });
    },
  });
  process.stdout.write(`${server.port}\n`);
}
