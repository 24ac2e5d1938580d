// Programs that speak OpenAI's or Anthropic's language, through parlor and at llama-server itself: the
// official packages and plain requests get the same from both, answer by answer and error by error; only
// ids, times and durations differ. If this fails, a program that works with llama-server works differently
// behind parlor, is not told that it waits or is refused, or keeps a slot busy after it has gone.
// Promises: S6, P1, P2.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { defaultBounds } from "../../src/config/config.ts";
import { type House, startHouse } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";

let llama: Llama;
let house: House;
/** One slot, and one more may wait. */
let narrow: House;

const open = async (of: Llama, bounds = {}): Promise<House> => {
  const opened = await startHouse({ llama: of.url, bounds });
  await until(() => opened.upstream.state.status === "ready", "the house sees llama-server");
  return opened;
};

beforeAll(async () => {
  llama = await startLlama();
  house = await open(llama);
  narrow = await open(llama, { slotsMax: 1, queueMaxRuns: 1 });
});
afterAll(async () => {
  await narrow.stop();
  await house.stop();
  await llama.stop();
});

type Server = { readonly url: string };
/** Every request on a connection of its own, so that none meets one that was just closed. */
const common = { apiKey: "any", maxRetries: 0, fetchOptions: { keepalive: false } };
const openai = ({ url }: Server): OpenAI => new OpenAI({ baseURL: `${url}/v1`, ...common });
const anthropic = ({ url }: Server): Anthropic => new Anthropic({ baseURL: url, ...common });

/** What llama-server understands beyond the packages' types. */
const steady: object = { temperature: 0, cache_prompt: false };
const says = (content: string) => [{ role: "user" as const, content }];
const chat = { model: "any", messages: says("Deutsch"), ...steady };
const message = { model: "any", max_tokens: 500, messages: says("Deutsch"), temperature: 0 };

/**
 * JSON without what differs from one request to the next. What was read from the cache is counted with what
 * was not.
 */
function plain(text: string): string {
  return text
    .replace(/\b([a-z]+[-_])[A-Za-z0-9]{32}\b/g, "$1id")
    .replace(/"(created|created_at|completed_at)":\d+/g, '"$1":0')
    .replace(/"(\w+_(?:ms|per_second))":(?:null|[\d.e+-]+)/g, '"$1":0')
    .replace(
      /"cache_read_input_tokens":(\d+),"input_tokens":(\d+)/g,
      (_, cached, read) => `"input_tokens":${Number(cached) + Number(read)}`,
    );
}

type ProgramEvent =
  | { readonly answer: unknown }
  | { readonly thrown: string; readonly [field: string]: unknown };

/** What a program gets: an answer, or an error with everything that it says. */
async function told(asked: Promise<unknown>): Promise<ProgramEvent> {
  const got = await asked.then(
    (answer) => ({ answer }),
    (error) => {
      const { message, status, code, type, param, error: body } = error;
      return { thrown: error.constructor.name, message, status, code, type, param, body };
    },
  );
  return JSON.parse(plain(JSON.stringify(got)));
}

/** Asks both; they must say the same. */
async function same<Client>(
  client: (server: Server) => Client,
  ask: (client: Client) => Promise<unknown>,
): Promise<ProgramEvent> {
  const direct = await told(ask(client(llama)));
  expect(await told(ask(client(house)))).toEqual(direct);
  return direct;
}

async function all<T>(stream: AsyncIterable<T> | PromiseLike<AsyncIterable<T>>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of await stream) items.push(item);
  return items;
}

function post(
  { url }: Server,
  path: string,
  body: unknown,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const headers = { "content-type": "application/json", "anthropic-version": "2023-06-01" };
  return fetch(url + path, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
    keepalive: false,
    signal,
  });
}

/** Status, kind and bytes of an answer. */
async function raw(server: Server, path: string, body: unknown) {
  const response = await post(server, path, body);
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    body: plain(await response.text()),
  };
}

const idle = (): Promise<void> => until(async () => (await llama.busySlots()) === 0, "no slot is busy");
const line = async ({ url }: Server) => {
  const { running, waiting } = (await (await fetch(`${url}/readyz`)).json()) as {
    running: number;
    waiting: number;
  };
  return { running, waiting };
};
const inLine = (at: Server, running: number, waiting: number): Promise<void> =>
  until(
    async () => Bun.deepEquals(await line(at), { running, waiting }),
    `${running} run and ${waiting} wait`,
  );

const city = {
  type: "object" as const,
  properties: { city: { type: "string", description: "Its name" } },
  required: ["city"],
};
const weather = { name: "weather", description: "The weather in a city", parameters: city };
const called = {
  id: "call_1",
  type: "function" as const,
  function: { name: "weather", arguments: '{"city":"Oslo"}' },
};
const schema = {
  type: "object",
  properties: { ok: { type: "boolean" }, of: { enum: ["lamp", "sea"] } },
  required: ["ok", "of"],
  additionalProperties: false,
};

describe("the openai package gets the same from both", () => {
  test("a chat's answer", async () => {
    expect(await same(openai, (ai) => ai.chat.completions.create(chat))).toMatchObject({
      answer: {
        choices: [{ finish_reason: "stop", message: { content: textOf("german") } }],
        usage: { total_tokens: expect.any(Number) },
      },
    });
  });

  for (const word of ["emoji", "spaces", "separators", "json", "html", "think", "medium"])
    test(`a chat's stream: ${word}`, async () => {
      const { answer } = (await same(openai, (ai) =>
        all(
          ai.chat.completions.create({
            ...chat,
            messages: says(word),
            stream: true,
            stream_options: { include_usage: true },
          }),
        ),
      )) as { answer: OpenAI.ChatCompletionChunk[] };
      expect(answer.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(
        textOf(word as never),
      );
      expect(answer.at(-1)?.usage?.total_tokens).toBeGreaterThan(1);
    });

  test("tools: offered, demanded, called before; streaming and not", async () => {
    const tools = [{ type: "function" as const, function: weather }];
    const result = { role: "tool" as const, tool_call_id: "call_1", content: "rain" };
    const before = [...says("Weather?"), { role: "assistant" as const, tool_calls: [called] }, result];
    for (const tool_choice of [
      "auto",
      "required",
      { type: "function", function: { name: "weather" } },
    ] as const)
      for (const messages of [says("Hallo"), [...before, ...says("Hallo")], before]) {
        const asked = { ...chat, messages, tools, tool_choice, max_tokens: 40 };
        await same(openai, (ai) => ai.chat.completions.create(asked));
        await same(openai, (ai) => all(ai.chat.completions.create({ ...asked, stream: true })));
      }
    await same(openai, (ai) =>
      ai.chat.completions.create({ ...chat, tools: [{ type: "function", function: {} as never }] }),
    );
    await same(openai, (ai) => ai.chat.completions.stream({ ...chat, tools }).finalChatCompletion());
  });

  test("an answer by a JSON schema", async () => {
    const response_format = {
      type: "json_schema" as const,
      json_schema: { name: "state", strict: true, schema },
    };
    const asked = { ...chat, response_format, max_tokens: 200 };
    const { answer } = (await same(openai, (ai) => ai.chat.completions.create(asked))) as {
      answer: OpenAI.ChatCompletion;
    };
    expect(JSON.parse(answer.choices[0]?.message.content ?? "")).toMatchObject({
      ok: expect.any(Boolean),
      of: expect.any(String),
    });
    await same(openai, (ai) => all(ai.chat.completions.create({ ...asked, stream: true })));
    await same(openai, (ai) => ai.chat.completions.parse(asked));
    const broken = { ...response_format, json_schema: { name: "state", schema: { type: "nonsense" } } };
    expect(
      await same(openai, (ai) => ai.chat.completions.create({ ...chat, response_format: broken })),
    ).toMatchObject({ thrown: expect.any(String) });
  });

  test("completions, streaming and not", async () => {
    const asked = { model: "any", prompt: "Hallo", max_tokens: 20, ...steady };
    expect(await same(openai, (ai) => ai.completions.create(asked))).toMatchObject({
      answer: { object: "text_completion" },
    });
    await same(openai, (ai) => all(ai.completions.create({ ...asked, stream: true })));
    await same(openai, (ai) => ai.completions.create({ ...asked, prompt: ["Hallo", "twenty"] }));
    expect(
      await same(openai, (ai) => ai.completions.create({ ...asked, prompt: null as never })),
    ).toMatchObject({ thrown: expect.any(String) });
  });

  test("responses, streaming and not", async () => {
    const asked = { model: "any", input: "Deutsch", ...steady };
    const { answer } = (await same(openai, (ai) => ai.responses.create(asked))) as {
      answer: OpenAI.Responses.Response;
    };
    expect(answer.output_text).toBe(textOf("german"));
    for (const input of ["emoji", "think"])
      await same(openai, (ai) => all(ai.responses.create({ ...asked, input, stream: true })));
    await same(openai, (ai) => ai.responses.stream(asked).finalResponse());
    const tools = [{ type: "function" as const, ...weather, strict: true }];
    await same(openai, (ai) =>
      all(
        ai.responses.create({
          ...asked,
          tools,
          tool_choice: "required",
          max_output_tokens: 60,
          stream: true,
        }),
      ),
    );
    expect(await same(openai, (ai) => ai.responses.create({ ...asked, input: 5 as never }))).toMatchObject({
      thrown: expect.any(String),
    });
  });

  test("the list of models", async () => {
    expect(await same(openai, (ai) => ai.models.list())).toMatchObject({
      answer: { data: [{ object: "model" }] },
    });
    await same(openai, (ai) => all(ai.models.list()));
  });

  test("embeddings, and the error where the model gives none", async () => {
    const asked = { model: "any", input: ["Hallo", "Good evening"] };
    expect(await same(openai, (ai) => ai.embeddings.create(asked))).toMatchObject({
      thrown: "InternalServerError",
      status: 501,
    });
    const embedder = await startLlama({ args: ["--embeddings", "--pooling", "mean"] });
    const before = await open(embedder);
    try {
      for (const encoding_format of [undefined, "float", "base64"] as const) {
        const ask = (server: Server) =>
          told(openai(server).embeddings.create({ ...asked, ...(encoding_format && { encoding_format }) }));
        const direct = await ask(embedder);
        expect(direct).toMatchObject({ answer: { data: [{ index: 0 }, { index: 1 }] } });
        expect(await ask(before)).toEqual(direct);
      }
      for (const input of ["Hallo", ["one"], 5, null])
        expect(await raw(before, "/v1/embeddings", { input })).toEqual(
          await raw(embedder, "/v1/embeddings", { input }),
        );
    } finally {
      await before.stop();
      await embedder.stop();
    }
  });

  test("errors", async () => {
    const tooLong = says("word ".repeat(40_000)); // more than a slot holds
    for (const wrong of [
      { messages: "x" },
      { messages: undefined },
      { messages: [{ role: "user", content: 5 }] },
      { tools: "x" },
      { messages: tooLong },
    ])
      for (const stream of [false, true])
        expect(
          await same(openai, (ai) => ai.chat.completions.create({ ...chat, ...wrong, stream } as never)),
        ).toMatchObject({
          thrown: expect.any(String),
          status: expect.any(Number),
        });
  });
});

describe("the Anthropic package gets the same from both", () => {
  test("a message, streaming and not", async () => {
    expect(await same(anthropic, (ai) => ai.messages.create(message))).toMatchObject({
      answer: {
        content: [{ type: "text", text: textOf("german") }],
        stop_reason: "end_turn",
        usage: { input_tokens: expect.any(Number) },
      },
    });
    for (const word of ["emoji", "think", "json", "medium"]) {
      await same(anthropic, (ai) =>
        all(ai.messages.create({ ...message, messages: says(word), stream: true })),
      );
      await same(anthropic, (ai) => ai.messages.stream({ ...message, messages: says(word) }).finalMessage());
    }
    expect(
      await same(anthropic, (ai) => ai.messages.create({ ...message, system: "Be brief.", max_tokens: 5 })),
    ).toMatchObject({
      answer: { stop_reason: "max_tokens" },
    });
  });

  test("tools", async () => {
    const tools = [{ name: "weather", description: "The weather in a city", input_schema: city }];
    const used = { type: "tool_use" as const, id: "toolu_1", name: "weather", input: { city: "Oslo" } };
    const result = { type: "tool_result" as const, tool_use_id: "toolu_1", content: "rain" };
    const messages = [
      ...says("Weather?"),
      { role: "assistant" as const, content: [used] },
      { role: "user" as const, content: [result] },
    ];
    for (const type of ["auto", "any"] as const)
      for (const asked of [message, { ...message, messages }]) {
        await same(anthropic, (ai) =>
          ai.messages.create({ ...asked, tools, tool_choice: { type }, max_tokens: 40 }),
        );
        await same(anthropic, (ai) =>
          all(ai.messages.create({ ...asked, tools, tool_choice: { type }, max_tokens: 40, stream: true })),
        );
      }
  });

  test("the count of tokens", async () => {
    expect(
      await same(anthropic, (ai) =>
        ai.messages.countTokens({ model: "any", messages: says("Deutsch"), system: "Be brief." }),
      ),
    ).toMatchObject({
      answer: { input_tokens: expect.any(Number) },
    });
    expect(await same(anthropic, (ai) => ai.messages.countTokens({ model: "any" } as never))).toMatchObject({
      thrown: expect.any(String),
    });
  });

  test("errors", async () => {
    for (const messages of [undefined, [{ role: "user", content: 5 }], says("word ".repeat(40_000))])
      for (const stream of [false, true])
        expect(
          await same(anthropic, (ai) => ai.messages.create({ ...message, messages, stream } as never)),
        ).toMatchObject({
          thrown: expect.any(String),
          status: expect.any(Number),
        });
  });
});

const streams: [path: string, body: object][] = [
  ["/v1/chat/completions", chat],
  ["/v1/completions", { prompt: "Hallo", max_tokens: 20, ...steady }],
  ["/v1/responses", { input: "Deutsch", ...steady }],
  ["/v1/messages", message],
];

describe("byte for byte", () => {
  for (const [path, body] of streams)
    test(path, async () => {
      for (const stream of [true, false]) {
        const direct = await raw(llama, path, { ...body, stream });
        expect(direct).toMatchObject({
          status: 200,
          type: stream ? "text/event-stream" : "application/json; charset=utf-8",
        });
        expect(await raw(house, path, { ...body, stream })).toEqual(direct);
      }
    });

  for (const path of [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/embeddings",
  ])
    test(`${path} with what is no request`, async () => {
      for (const body of ["{no", "", "[]", "null", "5", '"x"', "{}", '{"messages":[{}]}', '{"stream":true}'])
        expect({ sent: body, got: await raw(house, path, body) }).toEqual({
          sent: body,
          got: await raw(llama, path, body),
        });
    });

  test("each model of the list can be asked for by its name", async () => {
    const client = openai(house);
    for (const model of (await client.models.list()).data)
      expect(await client.models.retrieve(model.id)).toMatchObject({ id: model.id, object: "model" });
  });

  test("the list of models", async () => {
    const get = async ({ url }: Server) =>
      plain(await (await fetch(`${url}/v1/models`, { keepalive: false })).text());
    expect(await get(house)).toBe(await get(llama));
  });

  test("a path that is not there is not found at either", async () => {
    for (const at of [llama, house]) {
      expect((await fetch(`${at.url}/v1/nothing`, { keepalive: false })).status).toBe(404);
      expect((await post(at, "/v1/nothing", {})).status).toBe(404);
      expect(await told(openai(at).post("/nothing", { body: {} }))).toMatchObject({
        thrown: "NotFoundError",
        status: 404,
        type: "not_found_error",
      });
    }
  });
});

const endless = { ...chat, messages: says("endless") };
const endlessMessage = { ...message, messages: says("endless"), max_tokens: 1_000_000 };

describe("who goes leaves no slot busy", () => {
  const ways: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    "openai, chat streaming": (signal) =>
      all(openai(house).chat.completions.create({ ...endless, stream: true }, { signal })),
    "openai, completion streaming": (signal) =>
      all(
        openai(house).completions.create(
          { model: "any", prompt: "endless ", stream: true, ignore_eos: true } as never,
          { signal },
        ) as never,
      ),
    "openai, response streaming": (signal) =>
      all(openai(house).responses.create({ model: "any", input: "endless", stream: true }, { signal })),
    "Anthropic, streaming": (signal) =>
      all(anthropic(house).messages.create({ ...endlessMessage, stream: true }, { signal })),
    "Anthropic, helper": (signal) =>
      anthropic(house).messages.stream(endlessMessage, { signal }).finalMessage(),
    "plain request": async (signal) =>
      (await post(house, "/v1/chat/completions", { ...endless, stream: true }, signal)).text(),
  };
  for (const [name, ask] of Object.entries(ways))
    test(name, async () => {
      const leave = new AbortController();
      const asked = told(ask(leave.signal));
      await until(async () => (await llama.busySlots()) === 1, "it is answered");
      leave.abort();
      await idle();
      await inLine(house, 0, 0);
      await asked;
    });

  // llama-server looks after the client of an answer in one piece only when it has heard nothing for a
  // second: being asked for its slots counts.
  for (const path of ["/v1/chat/completions", "/v1/messages"])
    test(`${path} in one piece, with llama-server asked as often as people have it`, async () => {
      const own = await startLlama();
      const { pollMs, pollReadyMs, stopMs } = defaultBounds;
      const before = await open(own, { pollMs, pollReadyMs, stopMs });
      try {
        for (const at of [own, before]) {
          const leave = new AbortController();
          const asked = told(post(at, path, endlessMessage, leave.signal));
          await until(async () => (await own.busySlots()) === 1, "it is answered");
          leave.abort();
          await asked;
          let next = performance.now() + 1_500;
          const looked = async (): Promise<boolean> => {
            if (performance.now() < next) return false;
            next += 1_500;
            return (await own.busySlots()) === 0;
          };
          await until(
            looked,
            `the slot is idle that ${at === own ? "llama-server itself" : "parlor"} answered from`,
          );
          await inLine(before, 0, 0);
        }
      } finally {
        await before.stop();
        await own.stop();
      }
    });

  test("a stream that is broken off in the middle ends alike at both", async () => {
    await same(openai, async (ai) => {
      const stream = await ai.chat.completions.create({ ...endless, stream: true });
      const got = [];
      for await (const chunk of stream) if (got.push(chunk) === 50) break;
      await idle();
      return { got, aborted: stream.controller.signal.aborted };
    });
  });
});

describe("the queue", () => {
  /** Takes the only slot until it is told to let go. */
  async function holdSlot(at: Server): Promise<() => void> {
    await idle();
    const leave = new AbortController();
    const response = await post(at, "/v1/chat/completions", { ...endless, stream: true }, leave.signal);
    response.text().catch(() => {});
    await until(
      async () => (await line(at)).running === 1 && (await llama.busySlots()) === 1,
      "the slot is taken",
    );
    return () => leave.abort();
  }

  test("who waits is told the place in comments, the next is refused, and then the answer comes", async () => {
    for (const [path, body] of streams) {
      const letGo = await holdSlot(narrow);
      const waits = post(narrow, path, { ...body, stream: true });
      await inLine(narrow, 1, 1);
      for (const stream of [true, false]) {
        const refused = await post(narrow, path, { ...body, stream });
        expect(refused.status).toBe(429);
        expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
        expect(await refused.json()).toMatchObject({ error: { type: "rate_limit_error" } });
      }
      const response = await waits;
      expect(response.headers.get("content-type")).toStartWith("text/event-stream");
      letGo();
      const text = await response.text();
      expect(text).toStartWith(": X-Queue-Position: 1\n\n");
      expect(plain(text.replace(/^:.*\n\n/gm, ""))).toBe(
        (await raw(llama, path, { ...body, stream: true })).body,
      );
    }
  });

  test("two that wait: the second is told when it moves up", async () => {
    const wide = await open(llama, { slotsMax: 1, queueMaxRuns: 2 });
    try {
      const letGo = await holdSlot(wide);
      const first = post(wide, "/v1/chat/completions", { ...chat, stream: true });
      await inLine(wide, 1, 1);
      const second = post(wide, "/v1/chat/completions", { ...chat, stream: true });
      await inLine(wide, 1, 2);
      letGo();
      const [one, two] = await Promise.all([first, second].map(async (response) => (await response).text()));
      const places = (text = "") =>
        text.match(/(?<=^: X-Queue-Position: ).*$/gm)?.filter((place, i, all) => place !== all[i - 1]); // one may be said again
      expect([places(one), places(two)]).toEqual([["1"], ["2", "1"]]);
    } finally {
      await wide.stop();
    }
  });

  test("the packages wait as if nothing were, and are refused with their own errors", async () => {
    const asks: [
      (server: Server) => Promise<unknown>,
      typeof OpenAI.RateLimitError | typeof Anthropic.RateLimitError,
    ][] = [
      [(at) => openai(at).chat.completions.create(chat), OpenAI.RateLimitError],
      [(at) => all(openai(at).chat.completions.create({ ...chat, stream: true })), OpenAI.RateLimitError],
      [
        (at) => all(openai(at).responses.create({ model: "any", input: "Hallo", ...steady, stream: true })),
        OpenAI.RateLimitError,
      ],
      [(at) => anthropic(at).messages.create(message), Anthropic.RateLimitError],
      [(at) => all(anthropic(at).messages.create({ ...message, stream: true })), Anthropic.RateLimitError],
    ];
    for (const [ask, RateLimitError] of asks) {
      const letGo = await holdSlot(narrow);
      const waits = told(ask(narrow));
      await inLine(narrow, 1, 1);
      const refused = (await ask(narrow).catch((error) => error)) as InstanceType<typeof RateLimitError>;
      expect(refused).toBeInstanceOf(RateLimitError);
      expect(refused).toMatchObject({ status: 429, type: "rate_limit_error" });
      expect(Number(refused.headers?.get("retry-after"))).toBeGreaterThan(0);
      letGo();
      expect(await waits).toEqual(await told(ask(llama)));
    }
  });

  test("who goes while waiting leaves the line", async () => {
    const letGo = await holdSlot(narrow);
    for (const ask of [
      (signal: AbortSignal) =>
        all(openai(narrow).chat.completions.create({ ...chat, stream: true }, { signal })),
      (signal: AbortSignal) => openai(narrow).chat.completions.create(chat, { signal }),
      (signal: AbortSignal) => anthropic(narrow).messages.stream(message, { signal }).finalMessage(),
      (signal: AbortSignal) => anthropic(narrow).messages.create(message, { signal }),
    ]) {
      const leave = new AbortController();
      const waits = told(ask(leave.signal));
      await inLine(narrow, 1, 1);
      leave.abort();
      await inLine(narrow, 1, 0);
      await waits;
    }
    letGo();
    await inLine(narrow, 0, 0);
    await idle();
  });
});
