// What a llama-server in router mode reports about its models reaches the page, each state of it: in one read
// with the next one, or while a check is under way. A scripted router, since only here a model is loaded as
// long as the test wants. If this fails, people wait for a model without knowing, or its slots stay unused.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type House, PageClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";

type Status = "unloaded" | "loading" | "loaded";

const models: Record<string, Status> = { green: "unloaded", grey: "unloaded" };
let events: ReadableStreamDefaultController<Uint8Array> | null = null;
/** While it is pending, the list of the models is read but not sent. */
let held: PromiseWithResolvers<void> | null = null;
let heldLists = 0;
let router: Bun.Server<undefined>;
let house: House;

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/models/sse")
    return new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(": here\n\n"));
          events = controller;
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  if (pathname === "/models") {
    const data = Object.entries(models).map(([id, value]) => ({ id, status: { value } }));
    if (held) heldLists++;
    await held?.promise;
    return Response.json({ data });
  }
  if (pathname === "/props" && searchParams.has("model"))
    return Response.json({ total_slots: 2, default_generation_settings: { n_ctx: 4_096 } });
  return Response.json(pathname === "/props" ? { role: "router" } : []);
}

/** Reports new states, all in one piece. */
function report(...changes: [name: string, status: Status][]): void {
  Object.assign(models, Object.fromEntries(changes));
  const lines = changes.map(
    ([model, status]) => `data: ${JSON.stringify({ model, event: "status_change", data: { status } })}\n\n`,
  );
  events?.enqueue(new TextEncoder().encode(lines.join("")));
}

const stateOf = (name: string) => house.upstream.state.models.find((model) => model.name === name);

beforeAll(async () => {
  router = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: answer });
  // no check comes by itself, so that everything is known from the events
  house = await startHouse({ llama: `http://127.0.0.1:${router.port}`, bounds: { pollReadyMs: 600_000 } });
  await until(() => house.upstream.state.models.length === 2 && events !== null, "its models are followed");
});
afterAll(async () => {
  await house?.stop();
  await router?.stop(true);
});

test("a model that is being loaded is named as long as that lasts; then its slots are known", async () => {
  const page = await new PageClient(house).ready();
  const shown = () => page.element("upstream").textContent ?? "";
  report(["grey", "loading"]);
  await until(() => shown().includes("Loading the model grey."), "the page says so");
  expect(stateOf("grey")).toMatchObject({ status: "loading", slots: 1, contextTokens: null });
  report(["grey", "loaded"]);
  await until(() => !shown().includes("Loading"), "the page says nothing any more");
  await until(() => stateOf("grey")?.slots === 2, "its slots are known");
  expect(house.upstream.state).toMatchObject({ slots: 2, contextTokens: 4_096 });
  page.close();
});

test("a state reaches the page also when the next one comes in the same read", async () => {
  const page = await new PageClient(house).ready();
  report(["grey", "unloaded"], ["grey", "loading"], ["grey", "loaded"]);
  await until(() => page.frames.join("").includes("Loading the model grey."), "the page was told");
  await until(() => stateOf("grey")?.status === "loaded", "it is loaded");
  page.close();
});

test("what is reported while a check is under way is not undone by that check", async () => {
  await until(() => house.upstream.state.slots === 2, "the check before is over");
  held = Promise.withResolvers();
  report(["grey", "loading"], ["grey", "loaded"]); // begins a check
  await until(() => heldLists === 1, "the check has read the list");
  report(["green", "loading"]);
  await until(() => stateOf("green")?.status === "loading", "it is heard");
  const states: (string | undefined)[] = [];
  const unwatch = house.upstream.watch(() => states.push(stateOf("green")?.status));
  report(["green", "loaded"]);
  await until(() => stateOf("green")?.status === "loaded", "it is heard");
  held.resolve();
  held = null;
  await until(() => house.upstream.state.slots === 4, "its slots are known without a later check");
  unwatch();
  expect(new Set(states)).toEqual(new Set(["loaded"]));
});
