// dist/parlor as somebody runs it: alone in a folder, from a terminal, with a model of its own, to its end.
// Promises: T4, X5.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { PlainClient } from "../house.ts";
import { textOf } from "../llama/recitals.ts";
import { freePort, startLlama, until } from "../llama/server.ts";
import {
  answered,
  ask,
  bareEnvironment,
  closeBrowser,
  executable,
  grownBeyond,
  serving,
  shown,
  startParlor,
  visit,
  withModel,
} from "./stage.ts";

afterAll(closeBrowser);

function run(...args: string[]): { code: number; out: string; err: string } {
  const env = { ...bareEnvironment, PARLOR_DATA: mkdtempSync(join(tmpdir(), "parlor-run-")) };
  const { exitCode, stdout, stderr } = Bun.spawnSync([executable, ...args], { env, cwd: "/" });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

/** The child that parlor started, as its log names the port. */
async function llamaPid(log: () => string): Promise<number> {
  await until(() => /"what":"llama-server is started".*"port":(\d+)/.test(log()), "llama-server is started");
  const port = /.*"what":"llama-server is started".*"port":(\d+)/s.exec(log())?.[1];
  let pid = 0;
  await until(() => {
    pid = Number(
      Bun.spawnSync(["pgrep", "-f", "--", `--port ${port}( |$)`])
        .stdout.toString()
        .trim()
        .split("\n")
        .at(-1),
    );
    return pid > 0;
  }, "its process is there");
  return pid;
}

describe("command line", () => {
  test("--version and --help", () => {
    expect(run("--version")).toEqual({ code: 0, out: `parlor ${version}\n`, err: "" });
    const help = run("--help");
    expect([help.code, help.err]).toEqual([0, ""]);
    expect(help.out).toContain("--llama URL");
  });

  test("backup and check, also while it runs", async () => {
    const data = mkdtempSync(join(tmpdir(), "parlor-data-"));
    const parlor = await startParlor([], { env: { PARLOR_DATA: data } });
    const copy = join(data, "copy.db");
    expect(run("backup", copy, "--data", data)).toEqual({
      code: 0,
      out: `${data}/parlor.db is copied to ${copy}\n`,
      err: "",
    });
    expect(run("check", "--data", data)).toEqual({ code: 0, out: `${data}/parlor.db is sound\n`, err: "" });
    expect(run("backup", copy, "--data", data)).toMatchObject({
      code: 1,
      err: `parlor: ${copy} is there already; name a file that is not\n`,
    });
    expect(run("--data", data)).toMatchObject({
      code: 1,
      err: `parlor: ${data}/parlor.db is in use by another parlor; end that one, or choose another place with --data\n`,
    });
    expect(run("check", "--data", "/nowhere")).toMatchObject({
      code: 1,
      err: "parlor: there is no /nowhere/parlor.db\n",
    });
    const out = join(data, "all.jsonl");
    expect(run("export", out, "--data", data)).toEqual({
      code: 0,
      out: `0 conversations are written to ${out}\n`,
      err: "",
    });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(run("export", out, "--data", data)).toMatchObject({
      code: 1,
      err: `parlor: ${out} is there already; name a file that is not\n`,
    });
    writeFileSync(
      out,
      `{"conv":{"name":"Tea"},"messages":[{"id":"a","role":"user","content":"Which?"}]}\n{broken\n`,
    );
    expect(run("import", out, "--data", join(data, "new"))).toEqual({
      code: 0,
      out: "1 conversations are brought in, 0 were here already, 1 could not be read\n",
      err: `parlor: ${out}: line 2: this is no JSON object\n`,
    });
    expect(run("import", out, "--data", data)).toMatchObject({
      code: 0,
      out: expect.stringContaining("1 conversations are brought in"),
    });
    for (const words of [
      "backup",
      "export",
      "import",
      "erase",
      "user",
      "user dance",
      "user add",
      "user list extra",
      "check this",
      "backup a b",
      "doctor it",
    ]) {
      const [command = ""] = words.split(" ");
      const said = run(...words.split(" "), "--data", data);
      expect([words, said.code, said.out, said.err]).toEqual([
        words,
        2,
        "",
        expect.stringMatching(new RegExp(`^parlor: usage: parlor ${command}.*\n$`)),
      ]);
    }
    // options may stand anywhere
    expect(run("--data", data, "user", "list")).toMatchObject({ code: 0, err: "" });
    expect(run("user", "--data", data, "list")).toMatchObject({ code: 0, err: "" });
    const asked = run("ask", "--port", new URL(parlor.url).port, "is anybody there?");
    expect([asked.code, asked.err]).toEqual([1, expect.stringContaining("No llama-server answers")]);
    expect(run("help").out).toBe(run("--help").out);
    expect(run("dance")).toEqual({
      code: 2,
      out: "",
      err: "parlor: dance is not a command; parlor --help lists them\n",
    });
    await parlor.stop();
  });

  test("bad usage is one line and exit 2; what cannot run is one line and exit 1", async () => {
    expect(run("--prot", "1")).toEqual({
      code: 2,
      out: "",
      err: "parlor: --prot is not an option; parlor --help lists them\n",
    });
    expect(run("--host", "0.0.0.0")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^parlor: --host 0\.0\.0\.0 .* --open .*\n$/),
    });
    expect(run("--model", "/nowhere.gguf", "--llama-server", "/bin/true")).toEqual({
      code: 1,
      out: "",
      err: "parlor: there is no model at /nowhere.gguf\n",
    });
    expect(run("--model", "/nowhere.gguf")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^parlor: there is no llama-server .* --llama-server PATH\n$/),
    });
    const first = await startParlor([]);
    const { port } = new URL(first.url);
    expect(run("--port", port)).toEqual({
      code: 1,
      out: "",
      err: `parlor: port ${port} of 127.0.0.1 is in use; choose another with --port\n`,
    });
    const unstarted = run("--port", port, ...(await withModel()));
    expect(unstarted).toEqual({
      code: 1,
      out: "",
      err: `parlor: port ${port} of 127.0.0.1 is in use; choose another with --port\n`,
    }); // no llama-server was started
    await first.stop();
  });
});

test("alone in an empty folder it serves everything, and reads no .env or bunfig.toml that lies around", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "parlor-around-"));
  writeFileSync(join(cwd, ".env"), "PARLOR_PORT=1\nPARLOR_LOG_LEVEL=nonsense\n");
  writeFileSync(join(cwd, "bunfig.toml"), `preload = ["./evil.ts"]\n`);
  writeFileSync(join(cwd, "evil.ts"), `console.log("evil");\nprocess.exit(9);\n`);
  const parlor = await startParlor([], { cwd });
  const html = await (await fetch(parlor.url)).text();
  for (const [, path] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g))
    expect((await fetch(parlor.url + path)).status).toBe(200);
  await parlor.stop();
});

test("it waits for a llama-server, says how to start one, and the page goes live by itself", async () => {
  const port = freePort();
  const parlor = await startParlor(["--llama", `http://127.0.0.1:${port}`, "--poll-ms", "50"]);
  const { page, problems, close } = await visit(parlor.url);
  await page.getByText(`Waiting for llama-server at http://127.0.0.1:${port}.`).waitFor();
  await page.getByText(`llama-server -m MODEL.gguf --port ${port}`).waitFor();
  await ask(page, "is anybody there?");
  await answered(page, "failed");
  const llama = await startLlama({ port });
  await page.waitForSelector('[role="status"][data-upstream="ready"]');
  await page.getByRole("button", { name: "Try again" }).click();
  expect(await answered(page)).toBe(shown("greeting"));
  expect(problems).toEqual([]);
  await close();
  await llama.stop();
  await parlor.stop();
});

describe("with a model of its own", () => {
  test("llama-server killed in mid-answer: the part stays, it is started again, Try again answers", async () => {
    const parlor = await startParlor(await withModel());
    const { page, problems, close } = await visit(parlor.url);
    await page.waitForSelector('[role="status"][data-upstream="ready"]');
    await ask(page, "endless");
    await grownBeyond(page, 200);
    process.kill(await llamaPid(parlor.log), "SIGKILL");
    const part = await answered(page, "failed");
    expect(shown("endless").startsWith(part.slice(0, 200))).toBe(true);
    await page.getByText("was lost in the middle of the answer").waitFor();
    await page.waitForSelector('[role="status"][data-upstream="ready"]');
    await page.getByRole("button", { name: "Try again" }).click();
    await grownBeyond(page, 200);
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(page, "stopped");
    expect(problems).toEqual([]);
    await close();
    await parlor.stop();
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} ends it in order, llama-server with it, exit 0; a running answer is told so`, async () => {
      const parlor = await startParlor([...(await withModel()), "--grace-ms", "100"]);
      await serving(parlor);
      const pid = await llamaPid(parlor.log);
      const client = await new PlainClient(parlor).opened();
      client.ws.send("endless");
      await until(() => client.frames.length > 3, "the answer has begun");
      parlor.process.kill(signal);
      expect(await parlor.process.exited).toBe(0);
      expect(client.frames.at(-1)).toMatch(/^\[ERROR\] parlor is shutting down/);
      expect(() => process.kill(pid, 0)).toThrow();
    });
  }

  test("a half-downloaded model is explained on the page, in both languages, in /readyz and in the log", async () => {
    const half = join(mkdtempSync(join(tmpdir(), "parlor-half-")), "half.gguf");
    const args = await withModel();
    writeFileSync(half, readFileSync(args[1] as string).subarray(0, 200_000));
    const parlor = await startParlor(["--restart-ms", "10", ...args.with(1, half)]);
    await until(() => parlor.log().includes("llama-server cannot be started"), "it is said in the log");
    const page = async (language: string) =>
      (await fetch(parlor.url, { headers: { accept: "text/html", "accept-language": language } })).text();
    const ready = await fetch(`${parlor.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([
      503,
      expect.stringMatching(/cannot be started: .*not within the file bounds.*Download it again/),
    ]);
    expect(await page("en")).toMatch(
      /llama-server cannot be started.*not within the file bounds.*Download it again/s,
    );
    expect(await page("de")).toMatch(
      /llama-server lässt sich nicht starten.*not within the file bounds.*noch einmal herunter/s,
    );
    const said = parlor
      .log()
      .split("\n")
      .filter((line) => line.includes("cannot be started"));
    expect([said.length, said[0]]).toEqual([1, expect.stringContaining("compare its size")]);
    await parlor.stop();
  });

  test("killed without warning, it leaves no llama-server behind", async () => {
    const parlor = await startParlor(await withModel());
    const pid = await llamaPid(parlor.log);
    await parlor.stop();
    await until(() => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    }, "llama-server is gone too");
  });
});

test("started in the background, it stays when whoever started it has ended", async () => {
  const [folder, port] = [mkdtempSync(join(tmpdir(), "parlor-background-")), freePort()];
  const script = `${executable} --port ${port} --data ${folder}/data >${folder}/out 2>${folder}/log </dev/null & echo $!`;
  const started = Bun.spawnSync(["sh", "-c", script], { env: bareEnvironment });
  const pid = Number(started.stdout.toString());
  const answers = async () =>
    (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null))?.ok === true;
  await until(answers, "it serves");
  await until(
    () => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[3] !== String(process.pid),
    "its starter is gone",
  );
  expect(await answers()).toBe(true);
  process.kill(pid, "SIGKILL");
});

test("the end of its terminal ends it in order, but where that is to be ignored (nohup)", async () => {
  for (const [script, code] of [
    ['exec "$@"', 0],
    ['trap "" HUP; exec "$@"', null],
  ] as const) {
    const folder = mkdtempSync(join(tmpdir(), "parlor-hangup-"));
    const args = [executable, "--port", "0", "--data", join(folder, "data")];
    const child = Bun.spawn(["sh", "-c", script, "x", ...args], {
      env: bareEnvironment,
      stdout: "pipe",
      stderr: "ignore",
    });
    const first = new TextDecoder().decode((await child.stdout.getReader().read()).value);
    child.kill("SIGHUP");
    if (code !== null) expect(await child.exited).toBe(code);
    else expect((await fetch(`${/http:\S+/.exec(first)?.[0]}/healthz`)).status).toBe(200);
    child.kill("SIGKILL");
  }
});

test("it serves on when whoever read its log and its first line has gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parlor-unread-"));
  const script = `exec "$@" 2> >(head -c 1 >/dev/null) > >(head -n 1 >${folder}/first)`;
  const child = Bun.spawn(
    ["bash", "-c", script, "x", executable, "--port", "0", "--data", join(folder, "data")],
    { env: bareEnvironment },
  );
  await until(() => existsSync(`${folder}/first`) && statSync(`${folder}/first`).size > 0, "it serves");
  const url = /http:\S+/.exec(readFileSync(`${folder}/first`, "utf8"))?.[0] as string;
  for (let i = 0; i < 5; i++)
    expect((await fetch(url, { headers: { host: "x.example.com" } })).status).toBe(421); // each is logged
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});

test("the tutorial's page, unchanged, talks to /chat", async () => {
  const parlor = await startParlor(await withModel());
  await serving(parlor);
  const { page, close } = await visit(parlor.url);
  // what its component does: open, append each frame until [DONE], show [ERROR]
  const text = await page.evaluate(
    (address) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(address);
        let answer = "";
        socket.onopen = () => socket.send("Was ist Java? Deutsch bitte.");
        socket.onmessage = ({ data }) => {
          if (data === "[DONE]") resolve(answer);
          else if (data.startsWith("[ERROR]")) resolve(data);
          else answer += data;
        };
      }),
    `${parlor.url.replace("http", "ws")}/chat`,
  );
  expect(text).toBe(textOf("german"));
  await close();
  await parlor.stop();
});

test("the log is JSON lines without the text of messages", async () => {
  const parlor = await startParlor([...(await withModel()), "--log-level", "info"]);
  await serving(parlor);
  const client = await new PlainClient(parlor).opened();
  await client.ask("my secret wish: a story");
  client.close();
  await until(() => parlor.log().includes("Run ended"), "the Run is logged");
  const lines = parlor.log().trim().split("\n");
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({
      time: expect.any(String),
      level: expect.any(String),
      what: expect.any(String),
    });
  expect(parlor.log()).not.toMatch(/secret|lighthouse/);
  await parlor.stop();
});
