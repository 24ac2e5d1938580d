// Judges the findings of `parlor doctor`: what is in order, what could be better, what keeps parlor from
// answering, each with advice. Pure functions; doctor.ts collects the findings.

/** Findings about one llama-server. `null` means unknown. */
export interface ServerFindings {
  readonly url: string;
  /** Its answer to /health: 200, 503 while it loads, null for none. */
  readonly health: number | null;
  /** The variable of the environment that sends requests to it through a proxy; null when none does. */
  readonly proxy: string | null;
  readonly version: string | null;
  readonly model: string | null;
  readonly isRouter: boolean;
  readonly slots: number | null;
  /** Of one slot, in tokens. */
  readonly contextTokens: number | null;
  readonly hasMetrics: boolean | null;
  readonly hasSlotsEndpoint: boolean | null;
  /** It asks for a key that we do not have. */
  readonly isRefusing: boolean;
  /** Identity of one that was started to be looked at: all slots share one context. */
  readonly isUnified: boolean | null;
  /** Layers on a GPU, of all. */
  readonly offloaded: readonly [number, number] | null;
}

/** What was found of the program that parlor would start. */
export interface ProgramFindings {
  readonly path: string | null;
  readonly version: string | null;
  /** What it was built with. */
  readonly build: string | null;
  /**
   * As the program lists them: `CUDA0: NVIDIA GeForce RTX 4090 (24217 MiB, 23654 MiB free)`. Empty if there
   * are none; null if the program could not be asked.
   */
  readonly devices: readonly string[] | null;
  /** Processors of this machine. */
  readonly cpus: number;
}

export interface Line {
  readonly kind: "fine" | "better" | "wrong";
  readonly text: string;
}

const fine = (text: string): Line => ({ kind: "fine", text });
const better = (text: string): Line => ({ kind: "better", text });
const wrong = (text: string): Line => ({ kind: "wrong", text });

/** Least context for a conversation, in tokens: a few turns with a list in the persona use up less. */
const contextTokensMin = 4096;

export function ofServer(found: ServerFindings): Line[] {
  const { url, health, version, model, slots, contextTokens } = found;
  if (found.proxy !== null && health !== 200)
    return [
      wrong(
        `${url}: it is asked through the proxy that ${found.proxy} names, which does not reach it. ` +
          `Name its host in NO_PROXY, or unset ${found.proxy}`,
      ),
    ];
  if (health === null)
    return [
      wrong(
        `${url}: no llama-server answers. Start one (llama-server -m MODEL.gguf --port ` +
          `${new URL(url).port || 80}), or name another with --llama`,
      ),
    ];
  if (found.isRefusing)
    return [wrong(`${url}: it asks for an API key, or for another one: --llama-api-key KEY`)];
  if (health === 503) return [better(`${url}: it is loading its model; ask again when that is done`)];
  if (health !== 200)
    return [wrong(`${url}: something answers there (${health}), but not as a llama-server does`)];
  const lines = [
    fine(
      `${url}: llama-server ${version ?? "(it does not say its version)"}` +
        `${model === null ? "" : `, ${model}`}${found.isRouter ? ", router mode" : ""}`,
    ),
  ];
  if (slots !== null && contextTokens !== null)
    lines.push(
      fine(`${url}: ${slots} ${slots === 1 ? "slot" : "slots"}, ${contextTokens} tokens of context each`),
    );
  if (slots === 1)
    lines.push(
      better(`${url}: one answer at a time. For several people: -np 4, with -c four times as large`),
    );
  if (contextTokens !== null && contextTokens < contextTokensMin)
    lines.push(
      better(
        `${url}: ${contextTokens} tokens are few for a conversation: -c ` +
          `${contextTokensMin * Math.max(1, slots ?? 1)}`,
      ),
    );
  if (found.isUnified === true && (slots ?? 1) > 1) {
    lines.push(
      better(
        `${url}: its slots share one context of ${contextTokens} tokens, which is what happens when no -np ` +
          "is given: long conversations of several people do not fit beside each other. " +
          `-np ${slots} -c ${(contextTokens ?? contextTokensMin) * (slots ?? 1)} gives each its own`,
      ),
    );
  }
  if (found.offloaded !== null) {
    const [layers, all] = found.offloaded;
    lines.push(
      layers < all
        ? better(
            `${url}: ${layers} of ${all} layers are on the GPU. If it has room, -ngl 99 puts all ` +
              "there; a smaller quantisation makes room",
          )
        : fine(`${url}: all ${all} layers are on the GPU`),
    );
  }
  if (found.hasMetrics === false)
    lines.push(better(`${url}: --metrics would let your monitoring see what llama-server itself measures`));
  if (found.hasSlotsEndpoint === false)
    lines.push(
      better(
        `${url}: --no-slots keeps parlor from seeing whether a stopped answer's slot is idle; leave it out`,
      ),
    );
  return lines;
}

export function ofProgram({ path, version, build, devices, cpus }: ProgramFindings): Line[] {
  if (path === null)
    return [
      better("there is no llama-server beside parlor or in PATH: --model can't be used, but --llama can"),
    ];
  const lines = [
    fine(`${path}: ${version ?? "it does not say its version"}${build === null ? "" : `, ${build}`}`),
  ];
  if (devices === null)
    return [...lines, better(`${path}: it could not be asked for its devices (--list-devices)`)];
  const kinds = new Set(devices.map((device) => kindOf(device)));
  for (const device of devices) lines.push(fine(`device ${device}`));
  if (kinds.has("cuda"))
    lines.push(
      better(
        "CUDA: --llama-arg=-ngl --llama-arg=99 puts all layers on it; --llama-arg=-fa --llama-arg=on " +
          "and --llama-arg=-ctk --llama-arg=q8_0 make room for more context",
      ),
    );
  if (kinds.has("metal"))
    lines.push(
      fine(
        "Metal: all layers are there by themselves; what is loaded must fit into three quarters of the " +
          "memory",
      ),
    );
  if (kinds.has("vulkan"))
    lines.push(
      better(
        "Vulkan: --llama-arg=-ngl --llama-arg=99 puts all layers on it; with an integrated GPU measure " +
          "whether that is quicker (llama-bench)",
      ),
    );
  if (devices.length === 0)
    lines.push(
      better(
        `it knows no GPU: everything runs on ${cpus} processors. A small model, quantised to 4 bits; ` +
          "as many threads as there are cores, not hyperthreads (-t); for a GPU another build of " +
          "llama.cpp (CUDA, Metal, Vulkan)",
      ),
    );
  return lines;
}

function kindOf(device: string): "cuda" | "metal" | "vulkan" | "other" {
  if (/^(?:CUDA|ROCm)\d/i.test(device)) return "cuda";
  if (/^(?:Metal|MTL)\d*/i.test(device)) return "metal";
  return /^Vulkan\d/i.test(device) ? "vulkan" : "other";
}

/**
 * Whether all slots can be used. Each answer needs one of Bun's concurrent fetches, and probes of
 * llama-server need some. `fetchesMax` is BUN_CONFIG_MAX_HTTP_REQUESTS, which Bun reads before parlor starts.
 */
export function ofSlots(
  servers: readonly Pick<ServerFindings, "slots">[],
  { slotsMax, fetchesMax }: { slotsMax: number; fetchesMax: number },
): Line[] {
  const slots = servers.reduce((sum, server) => sum + (server.slots ?? 0), 0);
  const lines: Line[] = [];
  if (slots > slotsMax)
    lines.push(
      better(
        `${slots} slots in all, of which --slots-max ${slotsMax} lets parlor use ${slotsMax}: the rest ` +
          "of the questions wait",
      ),
    );
  if (Math.min(slots, slotsMax) + fetchesSpare > fetchesMax)
    lines.push(
      wrong(
        `${fetchesMax} requests run at once at the most: start parlor with ` +
          `BUN_CONFIG_MAX_HTTP_REQUESTS=${slotsMax * 2} in its environment, or with a smaller --slots-max`,
      ),
    );
  return lines;
}

/** Fetches that are not answers: probes of health and slots, token counts, lists for programs. */
const fetchesSpare = 40;

/** Reads facts from the log that llama-server prints while it starts. */
export function readLog(lines: readonly string[]): Pick<ServerFindings, "isUnified" | "offloaded"> {
  const text = lines.join("\n");
  const unified = /kv_unified = '(\w+)'/.exec(text)?.[1];
  const layers = /offloaded (\d+)\/(\d+) layers to GPU/.exec(text);
  return {
    isUnified: unified === undefined ? null : unified === "true",
    offloaded: layers ? [Number(layers[1]), Number(layers[2])] : null,
  };
}

/** The devices in the output of `llama-server --list-devices`; null if it lists none. */
export function readDevices(text: string): readonly string[] | null {
  const listed = /Available devices:\n([\s\S]*)/.exec(text)?.[1];
  if (listed === undefined) return null;
  return listed
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && line !== "(none)");
}
