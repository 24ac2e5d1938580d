// A llama-server of our own: found, started, shown while it starts, started again when it dies, ended with
// us.
// Promises: T4.

import { afterEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultBounds } from "../../src/config/config.ts";
import type { StartFailure } from "../../src/domain/upstream.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { LlamaChild } from "../../src/upstream/child.ts";
import { openLlama } from "../../src/upstream/llama.ts";
import { findLlamaServer } from "../../src/upstream/process.ts";
import { demoModel, llamaProgram, until } from "../llama/server.ts";

const folder = mkdtempSync(join(tmpdir(), "parlor-child-"));
const script = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
};
const lines: string[] = [];
const log = openLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
const open: { close(): Promise<void> }[] = [];
const child = async (program: string, bounds = { restartMs: 20, restartMaxMs: 100 }) => {
  const made = new LlamaChild({
    program,
    model: await demoModel(),
    args: ["-c", "4096", "-np", "1"],
    apiKey: null,
    endMs: 2_000,
    log,
    ...bounds,
  });
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  lines.length = 0;
});
/** It is there and no zombie, which only waits for its parent to look. */
const runs = (pid: number): boolean => alive(pid) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("the one named is taken, else the one beside us, else PATH's; a name that is not there is no licence to take another", () => {
  const named = script("named", "");
  const beside = join(folder, "parlor");
  expect(findLlamaServer(named, beside, "")).toBe(named);
  expect(findLlamaServer(join(folder, "none"), beside, folder)).toBeNull();
  expect(findLlamaServer(null, beside, "/nowhere")).toBeNull();
  const found = script("llama-server", "");
  expect(findLlamaServer(null, beside, "/nowhere")).toBe(found);
  expect(findLlamaServer(null, "/nowhere/parlor", `/nowhere:${folder}`)).toBe(found);
  rmSync(found);
  mkdirSync(found);
  expect(findLlamaServer(null, beside, "/nowhere")).toBeNull(); // a folder of that name is no program
  rmdirSync(found);
});

describe("the real llama-server", () => {
  const whole = async () => readFileSync(await demoModel());
  const file = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const another = (bytes: Buffer): Buffer => {
    const at = bytes.indexOf("llama", bytes.indexOf("general.architecture"));
    return Buffer.concat([bytes.subarray(0, at), Buffer.from("llxma"), bytes.subarray(at + 5)]);
  };
  const broken: [what: string, () => Promise<string>, readonly string[], StartFailure, RegExp][] = [
    [
      "half-downloaded",
      async () => file("half.gguf", (await whole()).subarray(0, 200_000)),
      [],
      "incomplete",
      /not within the file bounds|incomplete/,
    ],
    [
      "cut in its head",
      async () => file("head.gguf", (await whole()).subarray(0, 3_000)),
      [],
      "incomplete",
      /failed to read key-value pairs/,
    ],
    ["a web page", async () => file("page.gguf", "<html>404</html>"), [], "file", /invalid magic characters/],
    ["empty", async () => file("empty.gguf", ""), [], "file", /failed to read magic/],
    ["not there", async () => join(folder, "none.gguf"), [], "missing", /No such file or directory/],
    [
      "of a kind that it does not know",
      async () => file("other.gguf", another(await whole())),
      [],
      "architecture",
      /unknown model architecture: 'llxma'/,
    ],
    [
      "started with an option that it does not have",
      demoModel,
      ["--bogus"],
      "argument",
      /invalid argument: --bogus/,
    ],
    [
      "started with a value that an option does not take",
      demoModel,
      ["-ctk", "nonsense"],
      "argument",
      /Unsupported cache type: nonsense/,
    ],
    [
      "asked for pictures by a file that is not there",
      demoModel,
      ["-c", "512", "--mmproj", "/none.gguf"],
      "missing",
      /No such file or directory/,
    ],
  ];
  for (const [what, model, args, failure, line] of broken) {
    test(`with a model that is ${what} says why, and after two tries what to do`, async () => {
      const own = new LlamaChild({
        program: llamaProgram(),
        model: await model(),
        args,
        apiKey: null,
        endMs: 2_000,
        log,
        restartMs: 10,
        restartMaxMs: 10,
      });
      open.push(own);
      await until(() => own.progress?.failure !== undefined, "it is said that it can't be started");
      expect(own.progress).toEqual({ percent: null, line: expect.stringMatching(line), failure });
      const ended = lines.filter((each) => each.includes("llama-server ended"));
      await until(
        () => lines.filter((each) => each.includes("llama-server ended")).length > ended.length,
        "it is tried again",
      );
      expect(own.progress?.failure).toBe(failure); // and the page does not flicker
      expect(
        lines.filter((each) => each.includes('"error"') && each.includes("llama-server ended")).length,
      ).toBe(2);
    });
  }

  test("whose model has come meanwhile is taken back", async () => {
    const model = file("late.gguf", (await whole()).subarray(0, 3_000));
    const own = new LlamaChild({
      program: llamaProgram(),
      model,
      args: ["-c", "512"],
      apiKey: null,
      endMs: 2_000,
      log,
      restartMs: 10,
      restartMaxMs: 10,
    });
    const upstream = openLlama({
      url: own.url,
      apiKey: null,
      ...defaultBounds,
      pollMs: 20,
      pollReadyMs: 50,
      log,
      child: own,
    });
    open.push(upstream);
    await until(() => upstream.state.progress?.failure === "incomplete", "it can't be started");
    writeFileSync(model, await whole());
    await until(() => upstream.state.status === "ready", "it is ready");
    expect(upstream.state.progress).toBeNull();
  });

  test("is started on loopback, killed, started again at the same address, and ended with us", async () => {
    const own = await child(llamaProgram());
    const upstream = openLlama({
      url: own.url,
      apiKey: null,
      ...defaultBounds,
      pollMs: 20,
      pollReadyMs: 50,
      log,
      child: own,
    });
    expect(upstream.state).toMatchObject({ status: "absent", ours: true });
    await until(() => upstream.state.status === "ready", "it is ready");
    expect(new URL(own.url).hostname).toBe("127.0.0.1");
    const pid = own.pid as number;
    process.kill(pid, "SIGKILL");
    await until(() => own.pid !== pid && own.pid !== null, "it is started again");
    await until(() => upstream.state.status === "ready", "it is ready again");
    const second = own.pid as number;
    await upstream.close();
    expect(alive(second)).toBe(false);
  });
});

test("what it prints while it starts is shown with its percentage", async () => {
  const own = await child(
    script("slow", `echo "[ 42%] Building CXX object server.cpp.o" >&2; exec sleep 60`),
  );
  await until(() => own.progress?.percent === 42, "the percentage is known");
  expect(own.progress?.line).toBe("Building CXX object server.cpp.o");
});

test("one that cannot start is tried again with growing pauses, and its last words are kept", async () => {
  const own = await child(script("broken", `echo "error: no such model" >&2; echo bye; exit 3`), {
    restartMs: 150,
    restartMaxMs: 300,
  });
  await until(
    () => lines.filter((line) => line.includes("llama-server ended")).length >= 3,
    "it has been tried three times",
  );
  const ended = lines.map((line) => JSON.parse(line)).filter(({ what }) => what === "llama-server ended");
  expect(ended.slice(0, 3).map(({ code, pauseMs }) => [code, pauseMs])).toEqual([
    [3, 150],
    [3, 300],
    [3, 300],
  ]);
  expect(own.progress?.line).toBe("error: no such model");
});

test("one that a signal of the system ends is explained: too little memory, another processor", async () => {
  for (const [signal, failure] of [
    ["KILL", "memory"],
    ["ILL", "program"],
  ] as const) {
    const own = await child(script(`ended-by-${signal}`, `kill -${signal} $$`));
    await until(() => own.progress?.failure !== undefined, "it is explained");
    expect(own.progress).toEqual({ percent: null, line: `it was ended by SIG${signal}`, failure });
  }
});

test("one that had its model and died is tried again, and not said to be one that can't be started", async () => {
  const own = await child(
    script("crashing", `echo "srv  llama_server: model loaded"; echo "error: boom"; exit 1`),
  );
  await until(
    () => lines.filter((line) => line.includes("llama-server ended")).length >= 3,
    "it has died three times",
  );
  expect([own.progress?.failure, own.cause?.line]).toEqual([undefined, "error: boom"]);
});

test("a program that is gone, or is none, when it is to be started is a failed start like others", async () => {
  const program = script("vanishing", "exit 1");
  const own = await child(program);
  await until(() => lines.some((line) => line.includes("llama-server ended")), "it has ended");
  rmSync(program);
  await until(
    () => own.progress?.line.includes("can't be started") === true,
    "the next start says why it failed",
  );
  script("vanishing", `echo "here again"; exec sleep 60`);
  await until(() => own.progress?.line === "here again", "it is started once it is there again");
});

test("what it has started itself ends with it", async () => {
  const own = await child(script("parent", `sleep 300 & echo "child $!"; wait`));
  await until(() => own.progress?.line.startsWith("child ") === true, "it has started something");
  const grandchild = Number(own.progress?.line.split(" ")[1]);
  expect(alive(grandchild)).toBe(true);
  await own.close();
  await until(() => !runs(grandchild), "that is ended too");
});

test("a parlor that is killed takes its llama-server with it, and what that has started; one that is told may clear up", async () => {
  const cleared = join(folder, "cleared");
  const program = script(
    "stubborn",
    `(trap "" TERM; exec sleep 300) & trap "" PIPE; trap 'echo yes >${cleared}; exit' TERM; echo "child $!"; while :; do sleep 0.05; done`,
  );
  const holder = join(folder, "holder.ts");
  writeFileSync(
    holder,
    `import { LlamaChild } from ${JSON.stringify(join(import.meta.dir, "../../src/upstream/child.ts"))};
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const own = new LlamaChild({ program: ${JSON.stringify(program)}, model: "m", args: [], apiKey: null, restartMs: 20, restartMaxMs: 100, endMs: 100, log: quiet });
    own.onChange(() => { const said = /^child (\\d+)$/.exec(own.progress?.line ?? ""); if (said) process.stdout.write(own.pid + " " + said[1] + "\\n"); });
    setInterval(() => Bun.gc(true), 20);`,
  );
  const parent = Bun.spawn([process.execPath, holder], { stdout: "pipe", stderr: "inherit" });
  let said = "";
  for await (const chunk of parent.stdout) {
    said += new TextDecoder().decode(chunk);
    if (said.includes("\n")) break;
  }
  const pids = said.trim().split(" ").map(Number);
  expect(pids.map(runs)).toEqual([true, true]);
  parent.kill("SIGKILL");
  await until(() => pids.every((pid) => !runs(pid)), "both are gone");
  expect(readFileSync(cleared, "utf8")).toBe("yes\n");
});

test("what a llama-server that died has left behind ends before it is started again", async () => {
  const own = await child(script("dying", `sleep 300 & echo "child $!"; exit 1`));
  const seen = new Set<number>();
  own.onChange(() => {
    const said = /^child (\d+)$/.exec(own.progress?.line ?? "")?.[1];
    if (said) seen.add(Number(said));
  });
  await until(() => seen.size >= 3, "it has died three times");
  const before = [...seen].slice(0, 2);
  await until(() => before.every((pid) => !runs(pid)), "what the first two left is gone");
});

test("a build of llama-server that is interrupted, in order or by parlor's end, leaves nothing in the cache", async () => {
  const tools = join(folder, "tools");
  mkdirSync(tools);
  for (const tool of ["git", "cmake", "make", "c++"]) script(`tools/${tool}`, "exit 0");
  script("tools/npm", `head -c 1000000 /dev/zero >part; echo fetched >&2; exec sleep 60`);
  const launcher = join(import.meta.dir, "../llama/llama-server");
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    const cache = join(folder, `cache-${signal}`);
    const env = { PATH: `${tools}:/usr/bin:/bin`, XDG_CACHE_HOME: cache };
    const build = Bun.spawn([launcher], {
      env,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      detached: true,
    });
    let said = "";
    for await (const chunk of build.stderr) {
      said += new TextDecoder().decode(chunk);
      if (said.includes("fetched")) break;
    }
    process.kill(-build.pid, signal); // what it says of that reaches nobody any more
    await build.exited;
    expect([signal, readdirSync(join(cache, "parlor"))]).toEqual([signal, []]);
  }
});
