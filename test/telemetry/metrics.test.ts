// Metrics: the format of Prometheus, right counts, docs that name existing metrics, and no text of messages.
// Promises: X5.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../../src/domain/id.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { type House, PageClient, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;
let text = "";
const conversation = newId();
const paper = (name: string): string =>
  readFileSync(join(import.meta.dir, "../../docs/operate", name), "utf8");

beforeAll(async () => {
  upstream = startScripted((exchange) => {
    exchange.begin();
    exchange.delta("a private ");
    exchange.delta("answer");
    if (exchange.request.includes("hold")) return;
    if (exchange.request.includes("break")) exchange.cut();
    else exchange.finish();
  });
  house = await startHouse({ llama: upstream.url, metricsToken: "a key" });
  await until(() => house.upstream.state.status === "ready", "the house sees its upstream");
  const page = await new PageClient(house, conversation).ready();
  for (const question of ["a private question", "another"]) {
    page.say(question);
    await until(
      () =>
        page.articles().filter(({ status }) => status === "done").length >= (question === "another" ? 4 : 2),
      "it is answered",
    );
  }
  page.say("break");
  await page.lastIs("failed");
  page.say("hold");
  await until(() => page.last?.status === "running" && page.last.text !== "", "it runs");
  page.command({ type: "stop" });
  await page.lastIs("stopped");
  await page.command({ type: "nonsense" });
  await until(() => page.element("notice").textContent !== "", "nonsense is refused");
  text = await (await fetch(`${house.url}/metrics`)).text();
  page.close();
});
afterAll(async () => {
  await house.stop();
  upstream.stop();
});

interface Family {
  readonly type: string;
  readonly samples: Map<string, number>;
}

/** The text format 0.0.4, strictly: https://prometheus.io/docs/instrumenting/exposition_formats/ */
function parse(exposition: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let helped = "";
  let current = "";
  expect(exposition.endsWith("\n")).toBe(true);
  for (const line of exposition.split("\n").filter((each) => each !== "")) {
    const help = /^# HELP ([a-zA-Z_:][\w:]*) \S.*$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)$/.exec(line);
    const sample =
      /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (-?[\d.e+-]+|\+Inf|NaN)$/.exec(line);
    if (help) helped = help[1] as string;
    else if (type) {
      current = type[1] as string;
      expect([line, helped, families.has(current)]).toEqual([line, current, false]);
      families.set(current, { type: type[2] as string, samples: new Map() });
    } else {
      expect({ line, isSample: sample !== null }).toEqual({ line, isSample: true });
      const [, name, labels = "", value] = sample as RegExpExecArray;
      const family = families.get(current) as Family;
      const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      expect(suffixes.map((suffix) => current + suffix)).toContain(name as string);
      expect(family.samples.has(name + labels)).toBe(false);
      family.samples.set(name + labels, Number(value));
    }
  }
  return families;
}

test("the format is that of Prometheus: types before samples, counters end in _total, buckets add up", () => {
  const families = parse(text);
  expect(families.size).toBeGreaterThan(15);
  for (const [name, { type, samples }] of families) {
    expect(name).toMatch(/^parlor_[a-z_]+$/);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    expect(name).not.toMatch(/_(ms|milliseconds|kb|minutes)(_|$)/);
    for (const value of samples.values()) expect(Number.isFinite(value) && value >= 0).toBe(true);
    if (type !== "histogram") continue;
    const buckets = [...samples]
      .filter(([sample]) => sample.startsWith(`${name}_bucket`))
      .map(([, count]) => count);
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
    expect(samples.get(`${name}_bucket{le="+Inf"}`)).toBe(samples.get(`${name}_count`) as number);
  }
});

test("events are counted", () => {
  const all = new Map([...parse(text).values()].flatMap(({ samples }) => [...samples]));
  const outcomes = ["done", "failed", "stopped", "interrupted"].map((outcome) =>
    all.get(`parlor_runs_total{outcome="${outcome}"}`),
  );
  expect(outcomes).toEqual([2, 1, 1, 0]);
  expect(all.get('parlor_refused_total{code="bad_frame"}')).toBe(1);
  expect(all.get("parlor_queue_wait_seconds_count")).toBe(4);
  expect(all.get("parlor_first_token_seconds_count")).toBeGreaterThanOrEqual(3); // the tokens of the one that was cut may be lost with it
  expect([
    all.get('parlor_sockets{kind="page"}'),
    all.get("parlor_runs_running"),
    all.get("parlor_runs_waiting"),
    all.get("parlor_upstream_ready"),
  ]).toEqual([1, 0, 0, 1]);
  for (const name of [
    "parlor_frames_total",
    "parlor_sent_bytes_total",
    "parlor_store_seconds_count",
    "parlor_memory_bytes",
    "parlor_cpu_seconds_total",
  ]) {
    expect([name, (all.get(name) as number) > 0]).toEqual([name, true]);
  }
  expect(
    (all.get('parlor_tokens_total{kind="written"}') as number) +
      (all.get('parlor_tokens_total{kind="read"}') as number),
  ).toBeGreaterThan(0);
});

test("dashboard, alerts and table name existing metrics, and the table names all", () => {
  const names = new Set(parse(text).keys());
  const plain = (name: string) => (names.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ""));
  for (const file of ["alerts.yml", "dashboard.json"]) {
    const used = [...paper(file).matchAll(/parlor_[a-z_]+/g)].map(([name]) => plain(name));
    expect(used.length).toBeGreaterThan(5);
    for (const name of used) expect([file, name, names.has(name)]).toEqual([file, name, true]);
  }
  const listed = [...paper("metrics.md").matchAll(/^\| `(parlor_[a-z_]+)`/gm)].map(
    ([, name]) => name as string,
  );
  expect(new Set(listed)).toEqual(names);
  const alerts = [...paper("alerts.yml").matchAll(/alert: (\w+)/g)].map(([, name]) => name as string);
  for (const alert of alerts) expect(paper("metrics.md")).toContain(alert);
  expect(JSON.parse(paper("dashboard.json")).panels.length).toBeGreaterThan(10);
});

test("of several processes, each says whether it leads, and only the leader tells of the queue", async () => {
  const queue = { running: 2, waiting: 3, slots: 4, foreignSlots: 0 };
  const samplesOf = async (isLeading: boolean) => {
    const metrics = new Metrics();
    metrics.watch({
      ...{ queue: () => (isLeading ? queue : null), sockets: () => ({}), isUpstreamReady: () => true },
      servers: () => [{ url: "http://a", status: "ready", slots: 4 }],
      membership: () => ({ isLeading, term: 7 }),
    });
    const families = parse(await metrics.text());
    metrics.close();
    return new Map([...families.values()].flatMap(({ samples }) => [...samples]));
  };
  const [leader, follower] = [await samplesOf(true), await samplesOf(false)];
  const ofQueue = [
    ...["parlor_runs_running", "parlor_runs_waiting", "parlor_slots", "parlor_slots_stray"],
    'parlor_server_slots{url="http://a"}',
  ];
  expect(ofQueue.map((name) => leader.get(name))).toEqual([2, 3, 4, 0, 4]);
  expect(ofQueue.filter((name) => follower.has(name))).toEqual([]);
  expect([leader, follower].map((each) => each.get("parlor_leader"))).toEqual([1, 0]);
  expect([leader, follower].map((each) => each.get("parlor_term"))).toEqual([7, 7]);
  expect(follower.get("parlor_upstream_ready")).toBe(1);
});

test("promtool, if installed, accepts the output", () => {
  const promtool = Bun.which("promtool");
  if (!promtool) return;
  const rules = Bun.spawnSync([
    promtool,
    "check",
    "rules",
    join(import.meta.dir, "../../docs/operate/alerts.yml"),
  ]);
  const metrics = Bun.spawnSync([promtool, "check", "metrics"], { stdin: Buffer.from(text) });
  expect([rules.exitCode, metrics.exitCode, metrics.stderr.toString()]).toEqual([0, 0, ""]);
});

test("it contains no text of messages, no names and no conversations", () => {
  for (const word of ["private", conversation, "local"]) expect(text).not.toContain(word);
});

test("it is answered to this machine and to bearers of the token", async () => {
  const status = async (headers: Record<string, string>) =>
    (await fetch(`${house.url}/metrics`, { headers })).status;
  expect(await status({ "x-forwarded-for": "198.51.100.1" })).toBe(404);
  expect(await status({ "x-forwarded-for": "198.51.100.1", authorization: "Bearer wrong" })).toBe(404);
  expect(await status({ "x-forwarded-for": "198.51.100.1", authorization: "Bearer a key" })).toBe(200);
});
