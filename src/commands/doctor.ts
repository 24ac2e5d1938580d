// `parlor doctor`: examines the llama-servers that parlor would use, the llama-server program and the
// database, and prints findings with advice (diagnosis.ts). Changes nothing.

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { CommandError } from "../config/arguments.ts";
import type { Config } from "../config/config.ts";
import { isLoopback } from "../config/values.ts";
import { startAdvice } from "../domain/upstream.ts";
import { openLog, visible } from "../telemetry/log.ts";
import { LlamaChild } from "../upstream/child.ts";
import { fetchesMax, jsonOf, proxyVariable, send, targetOf } from "../upstream/http.ts";
import { contextOf, slotsOf } from "../upstream/models.ts";
import { findLlamaServer } from "../upstream/process.ts";
import {
  type Line,
  ofProgram,
  ofServer,
  ofSlots,
  type ProgramFindings,
  readDevices,
  readLog,
  type ServerFindings,
} from "./diagnosis.ts";
import { soundness } from "./doctor-database.ts";
import { ofSpecialServers } from "./doctor-special.ts";
import type { Place } from "./place.ts";

/** Time for one request to a llama-server, and for one run of its program, in ms. */
const patienceMs = 5_000;
/** Time for loading a model that is only examined, in ms. */
const loadMs = 10 * 60_000;

/** Writes the report to standard output. @throws CommandError when something keeps parlor from answering */
export async function runDoctor(
  config: Config,
  { place, execPath, path, fallback }: { place: Place; execPath: string; path: string; fallback: string },
): Promise<void> {
  const lines: Line[] = [];
  const program = findLlamaServer(config.llamaServer, execPath, path);
  const urls = config.llama.length > 0 || config.models.length > 0 ? config.llama : [fallback];
  lines.push(...ofProgram(await lookAtProgram(program)));
  const servers = await Promise.all(urls.map((url) => lookAt(url, config.llamaApiKey)));
  for (const server of servers) lines.push(...ofServer(server));
  lines.push(
    ...ofSlots(servers, {
      slotsMax: config.bounds.slotsMax,
      fetchesMax: fetchesMax(),
    }),
  );
  lines.push(...(await ofSpecialServers(urls, config)));
  for (const model of config.models) lines.push(...(await tryModel(model, program, config)));
  lines.push(...(await ofPlace(place)), ...ofDoors(config));
  for (const { kind, text } of lines)
    process.stdout.write(
      `${{ fine: "  ok    ", better: "  could ", wrong: "  WRONG " }[kind]}${visible(text)}\n`,
    );
  const faults = lines.filter(({ kind }) => kind === "wrong").length;
  if (faults > 0)
    throw new CommandError(
      `${faults} ${faults === 1 ? "thing keeps" : "things keep"} parlor from answering`,
      1,
    );
}

async function lookAtProgram(path: string | null): Promise<ProgramFindings> {
  const cpus = availableParallelism();
  if (path === null) return { path, version: null, build: null, devices: null, cpus };
  const [said, listed] = await Promise.all([printed(path, "--version"), printed(path, "--list-devices")]);
  const line = (pattern: RegExp) => pattern.exec(said)?.[0].trim() ?? null;
  return {
    path,
    version: line(/^version: .*/m),
    build: line(/^built with .*/m),
    devices: readDevices(listed),
    cpus,
  };
}

/** The output of a program on both streams; empty if it can't be run or does not end. */
async function printed(program: string, flag: string): Promise<string> {
  try {
    const child = Bun.spawn([program, flag], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: patienceMs,
    });
    return (
      await Promise.all([child.stderr, child.stdout].map((stream) => new Response(stream).text()))
    ).join("\n");
  } catch {
    return "";
  }
}

async function lookAt(address: string, key: string | null): Promise<ServerFindings> {
  const target = targetOf(address, key);
  const get = async (path: string) => {
    const within = AbortSignal.timeout(patienceMs);
    const response = await send(target, { method: "GET", path }, within).catch(() => null);
    return response && { status: response.status, json: await jsonOf(response, within).catch(() => null) };
  };
  const health = (await get("/health"))?.status ?? null;
  const [asked, slots, metrics] =
    health === 200 ? await Promise.all([get("/props"), get("/slots"), get("/metrics")]) : [null, null, null];
  const props = (asked?.status === 200 ? asked.json : null) as Record<string, unknown> | null;
  const word = (name: string) => (typeof props?.[name] === "string" ? (props[name] as string) : null);
  const isRouter = word("role") === "router";
  return {
    ...{ url: target.url, health, isRouter, isUnified: null, offloaded: null },
    proxy: isLoopback(new URL(target.url).hostname) ? null : proxyVariable(target.url),
    version: word("build_info"),
    model: isRouter ? null : ((word("model_alias") ?? word("model_path"))?.split("/").at(-1) ?? null),
    slots: slotsOf(props),
    contextTokens: contextOf(props),
    hasMetrics: metrics === null || isRouter ? null : metrics.status === 200,
    hasSlotsEndpoint: slots === null || isRouter ? null : slots.status === 200,
    isRefusing: [asked, slots].some((found) => found?.status === 401 || found?.status === 403),
  };
}

/** Starts a llama-server with a model, examines it, and ends it. */
async function tryModel(model: string, program: string | null, config: Config): Promise<Line[]> {
  if (program === null)
    return [
      {
        kind: "wrong",
        text: `${model}: there is no llama-server to start it with; name one with --llama-server PATH`,
      },
    ];
  if (!existsSync(model)) return [{ kind: "wrong", text: `there is no model at ${model}` }];
  process.stderr.write(`parlor: ${visible(model)} is loaded to be looked at\n`);
  const { bounds } = config;
  const log = openLog({ level: "error", format: "pretty", write: () => {} });
  const child = new LlamaChild({
    program,
    model,
    args: config.llamaArgs,
    apiKey: config.llamaApiKey,
    restartMs: loadMs,
    restartMaxMs: loadMs,
    endMs: bounds.graceMs,
    log,
  });
  try {
    const until = performance.now() + loadMs;
    for (;;) {
      const found = await lookAt(child.url, config.llamaApiKey);
      if (found.health === 200)
        return ofServer({ ...found, ...readLog(child.log) }).map(({ kind, text }) => ({
          kind,
          text: text.replaceAll(child.url, model),
        }));
      if (child.cause !== null || performance.now() > until) {
        const reason = child.cause
          ? `${child.cause.line}. ${startAdvice[child.cause.kind]}`
          : "it takes too long";
        return [
          {
            kind: "wrong",
            text: `${model}: llama-server can't load it: ${reason}`,
          },
        ];
      }
      await Bun.sleep(bounds.pollMs);
    }
  } finally {
    await child.close();
  }
}

async function ofPlace(place: Place): Promise<Line[]> {
  const { file, database } = place;
  if (database !== null) return (await import("./doctor-database.ts")).ofDatabase(place, database);
  if (!existsSync(file))
    return [{ kind: "fine", text: `${file}: not there yet; parlor makes it at its first start` }];
  return [await soundness(place)];
}

function ofDoors({ host, auth, open, tls }: Config): Line[] {
  if (auth === "none")
    return [
      {
        kind: "fine",
        text: open
          ? "anyone who reaches the port can use parlor (--open)"
          : "parlor is for this machine alone; --host 0.0.0.0 --auth password lets others in",
      },
    ];
  const isPlain = tls === null && !host.startsWith("unix:") && host !== "127.0.0.1";
  return [
    isPlain
      ? {
          kind: "better",
          text:
            "passwords and cookies go over plain HTTP: --tls-cert and --tls-key, or a proxy with TLS " +
            "before it",
        }
      : { kind: "fine", text: `who comes in is asked who they are (--auth ${auth})` },
  ];
}
