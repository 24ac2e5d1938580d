// A source of known pace, as a process of its own: speaks llama-server's streaming chat protocol and writes the moment of
// sending into each token, so that a reader on this machine can say how old it is. Run: bun bench/source.ts
// The question says what to send: `{"tokens":200,"perSecond":20}`; perSecond 0 means as fast as it is taken. With
// `"markdown":true` it sends an answer such as models write instead of moments.

const slots = 1024;
const head = `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"`;
const tail = `"}}],"created":1790000000,"id":"chatcmpl-0123456789abcdefghijklmnopqrstuv","model":"source.gguf","system_fingerprint":"b1-0000000","object":"chat.completion.chunk"}\n\n`;

/** Microseconds since 1970, comparable between processes of one machine. */
export const microseconds = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);

/** A token of 17 characters: a space and the moment it was made. A paragraph has 40. */
const token = (n: number): string => `${n % 40 === 39 ? "\\n\\n" : " "}${microseconds()}`;

/** What a model writes, in the mixture of its kinds: prose, lists, a table, code. `part` makes each part differ. */
const prose = (part: number): string => `## Part ${part}: on lamps and wires

A lamp has **three parts**: a *source*, a \`switch\` and a [bulb](https://example.org/bulb/${part}). Current flows when the circuit is closed, and the bulb
gives light, as anybody knows who has ever pressed a switch in the dark and been glad of what came of it.

Whoever wires a lamp begins with the power: it has to be **off**. Then the wires are stripped, which is best done with a tool that is made for it, since a knife
takes some of the copper along; and a wire with less copper than it should have grows warm.

- brown is *live*, and must never be touched,
- blue is neutral, which is not to say harmless,
- green and yellow is \`earth\`, and comes first.

| Part | Ohm | Price |
|------|----:|------:|
| bulb | ${part + 240} | 2,50 |
| switch | 0.1 | 4,00 |

\`\`\`python
def resistance(parts):
    """Sums up what part ${part} needs."""
    total = 0
    for each in parts:
        total += each.ohm  # in ohm
    return total
\`\`\`

`;

/** Characters of a token, as English has them. */
const tokenChars = 5;

/** An answer of so many tokens. */
export function markdownAnswer(tokens: number): string {
  let text = "";
  for (let part = 1; text.length < tokens * tokenChars; part++) text += prose(part);
  return text.slice(0, tokens * tokenChars);
}

function stream(tokens: number, perSecond: number, markdown: boolean): ReadableStream {
  let sent = 0;
  const answer = markdown ? markdownAnswer(tokens) : "";
  const piece = () =>
    markdown
      ? JSON.stringify(answer.slice(sent * tokenChars, (sent + 1) * tokenChars)).slice(1, -1)
      : token(sent);
  const event = () => head + piece() + tail;
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

/**
 * Serves on a free port of loopback what parlor asks every llama-server: its health, these properties, and
 * that all slots are idle. Other requests go to `answer`.
 */
export function serveLikeLlama(
  props: object,
  answer: (request: Request, pathname: string) => Promise<Response>,
): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    idleTimeout: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/health") return Response.json({ status: "ok" });
      if (pathname === "/props") return Response.json(props);
      if (pathname === "/slots") return Response.json([]);
      return answer(request, pathname);
    },
  });
}

if (import.meta.main) {
  const server = serveLikeLlama({ total_slots: slots, model_alias: "source" }, async (request) => {
    const { messages } = (await request.json()) as { messages: { content: string }[] };
    const wish = JSON.parse(messages.at(-1)?.content as string) as {
      tokens: number;
      perSecond: number;
      markdown?: boolean;
    };
    return new Response(stream(wish.tokens, wish.perSecond, wish.markdown === true), {
      headers: { "content-type": "text/event-stream" },
    });
  });
  process.stdout.write(`${server.port}\n`);
}
