// Every option in the spellings that people try: what is taken, and as what; what is refused, on the command line, in the environment and in the file alike. If this
// fails, somebody starts parlor with a setting that holds for nothing, or not for what they meant.
// Promises: X6.

import { describe, expect, test } from "bun:test";
import { kebab, UsageError } from "../../src/config/arguments.ts";
import { bounds } from "../../src/config/bounds.ts";
import { type Config, parseConfig, split, withoutEffect } from "../../src/config/config.ts";
import { type Option, options } from "../../src/config/options.ts";

interface Spellings {
  /** Other flags that it needs. */
  readonly beside?: readonly string[];
  /** What it becomes. */
  readonly of: (config: Config) => unknown;
  readonly taken: readonly (readonly [spelling: string, as: unknown])[];
  readonly refused: readonly string[];
}

const empty = ["", " ", "\t"];
const addresses = [
  "*",
  "any",
  "172.18.0.0/33",
  "10.0.0.1-9",
  "127.0.0.1:80",
  "proxy.lan",
  "http://127.0.0.1",
  "127.0.0.1 ::1",
  "::1/129",
  "1.2.3",
  "unix",
];
const listed = [
  "127.0.0.1",
  "::1",
  "0:0:0:0:0:0:0:1",
  "[::1]",
  "::ffff:127.0.0.1",
  "172.18.0.0/16",
  "fd00::/8",
  "loopback",
  "localhost",
  "0.0.0.0/0",
];
const files = {
  taken: ["a.pem", "/etc/a b.pem", "./a", "~/a"].map((file) => [file, file] as const),
  refused: empty,
};
const secret = {
  taken: ["s3cret", "a/b+c==", "--x", "%41"]
    .filter((key) => !key.startsWith("--"))
    .map((key) => [key, key] as const),
  refused: [...empty, "two words", "ä", "a\nb", "a\r"],
};
const urls = [
  "localhost:8080",
  "127.0.0.1",
  "ftp://x",
  "ws://x",
  "http://",
  "http://a,http://b",
  "http://a b",
  "unix:/x",
  "http://a?x=1",
  "http://a#x",
  "http://*",
];
const numbers = [
  "10s",
  "5m",
  "2GB",
  "1e3",
  "0x10",
  "-1",
  "+1",
  "1.5",
  "1,000",
  "1_000",
  "1000ms",
  "infinity",
  "NaN",
  "none",
  "off",
];
const switches = { taken: [], refused: [] };

const llamaUrls = {
  taken: [
    ["http://a:1", ["http://a:1"]],
    ["http://a:1/", ["http://a:1"]],
    ["http://a:1///", ["http://a:1"]],
    ["http://a:1/v1", ["http://a:1"]],
    ["http://a:1/v1/", ["http://a:1"]],
    ["HTTP://A:1", ["http://a:1"]],
    ["http://[::1]:8080", ["http://[::1]:8080"]],
    ["https://a/llama", ["https://a/llama"]],
  ] as [string, string[]][],
  refused: [...empty, ...urls],
};
const modelPath = { taken: [["a.gguf", "a.gguf"]] as [string, string][], refused: [...empty, "a\0"] };

const table: Record<keyof typeof options, Spellings> = {
  llama: { of: ({ llama }) => llama, ...llamaUrls },
  llamaApiKey: { of: ({ llamaApiKey }) => llamaApiKey, ...secret },
  model: { of: ({ models }) => models, taken: [["a.gguf", ["a.gguf"]]], refused: [...empty, "a\0"] },
  llamaServer: { beside: ["--model", "m"], of: ({ llamaServer }) => llamaServer, ...files },
  llamaArg: {
    beside: ["--model", "m"],
    of: ({ llamaArgs }) => llamaArgs,
    taken: [
      ["-ngl", ["-ngl"]],
      ["99", ["99"]],
      ["--no-mmap", ["--no-mmap"]],
    ],
    refused: [
      ...empty,
      "--port",
      "--host",
      "-m",
      "--model",
      "--port=1",
      "--api-key",
      "--api-key-file",
      "--ssl-key-file",
      "--api-prefix",
      "-c 4096",
      "--ctx-size 4096",
    ],
  },
  db: {
    of: ({ db }) => db?.database,
    taken: [
      ["postgres://parlor@db.lan/parlor", "postgres://parlor@db.lan/parlor"],
      ["postgresql://u:p@[::1]:5433/x", "postgresql://u:p@[::1]:5433/x"],
    ],
    refused: [...empty, "parlor.db", "mysql://a/b", "http://a", "postgres:///x"],
  },
  bus: {
    beside: ["--db", "postgres://a/b"],
    of: ({ db }) => db?.bus,
    taken: [
      ["redis://127.0.0.1:6379", "redis://127.0.0.1:6379"],
      ["rediss://:secret@cache.lan/1", "rediss://:secret@cache.lan/1"],
    ],
    refused: [...empty, "127.0.0.1:6379", "http://a", "redis:"],
  },
  clusterUrl: {
    beside: ["--db", "postgres://a/b", "--cluster-key", "0123456789abcdef"],
    of: ({ db }) => db?.cluster?.url,
    taken: [
      ["http://10.0.0.5:8081", "http://10.0.0.5:8081"],
      ["https://a.lan/", "https://a.lan"],
    ],
    refused: [...empty, "10.0.0.5:8081", "ftp://a"],
  },
  clusterKey: {
    beside: ["--db", "postgres://a/b", "--cluster-url", "http://a"],
    of: ({ db }) => db?.cluster?.key,
    taken: [["0123456789abcdef", "0123456789abcdef"]],
    refused: [...empty, "short", "fifteen-letters"],
  },
  embedLlama: { of: ({ embedding }) => embedding.llama, ...llamaUrls },
  embedModel: { of: ({ embedding }) => embedding.model, ...modelPath },
  rerankLlama: { of: ({ reranking }) => reranking.llama, ...llamaUrls },
  rerankModel: { of: ({ reranking }) => reranking.model, ...modelPath },
  host: {
    beside: ["--open"],
    of: ({ host }) => host,
    taken: [
      ...[
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",
        "::",
        "::1",
        "my-house",
        "chat.lan",
        "fe80::1%eth0",
        "unix:/run/x.sock",
      ].map((host) => [host, host] as const),
      ["[::1]", "::1"],
    ],
    refused: [
      ...empty,
      "*",
      "127.0.0.1:8081",
      "http://0.0.0.0",
      "0.0.0.0/0",
      "a,b",
      "unix:",
      "unix:x.sock",
      "unix:/",
      "[::1]:80",
      "-x",
      "a b",
      ".",
      "a..b",
    ],
  },
  port: {
    of: ({ port }) => port,
    taken: [
      ["0", 0],
      ["8090", 8090],
      ["08090", 8090],
      ["65535", 65535],
    ],
    refused: [...empty, ...numbers, "65536", "80-90", ":80", "http", "8081 "],
  },
  basePath: {
    of: ({ basePath }) => basePath,
    taken: [
      ["/chat", "/chat"],
      ["/chat/", "/chat"],
      ["/a/b.c", "/a/b.c"],
      ["/", ""],
    ],
    refused: [
      ...empty,
      "chat",
      "//chat",
      "/a//b",
      "/chat?x",
      "/chat#x",
      "/a b",
      "/..",
      "/a/../b",
      "/.",
      "http://x/chat",
      "/%63",
      "/*",
    ],
  },
  tlsCert: { beside: ["--tls-key", "k"], of: ({ tls }) => tls?.cert, ...files },
  tlsKey: { beside: ["--tls-cert", "c"], of: ({ tls }) => tls?.key, ...files },
  data: { of: ({ data }) => data, ...files },
  enforcePersona: {
    of: ({ enforcedPersona }) => enforcedPersona,
    taken: [
      ["kaufberater", "kaufberater"],
      ["kaufberater.md", "kaufberater"],
    ],
    refused: empty,
  },
  generateTitles: { of: ({ generateTitles }) => generateTitles, ...switches },
  auth: {
    beside: ["--trusted-proxy", "127.0.0.1"],
    of: ({ auth }) => auth,
    taken: [
      ["none", "none"],
      ["password", "password"],
      ["header", "header"],
    ],
    refused: [...empty, "Password", "basic", "true", "none,password", "oidc "],
  },
  trustedProxy: {
    of: ({ trustedProxies }) => trustedProxies,
    taken: listed.map((each) => [each, [each]] as const),
    refused: [...empty, ...addresses],
  },
  oidcIssuer: {
    beside: ["--auth", "oidc", "--oidc-client-id", "x"],
    of: ({ oidc }) => oidc?.issuer,
    taken: [
      "https://id.example",
      "https://id.example/realms/x/",
      "http://127.0.0.1:9",
      "http://localhost:9",
      "http://[::1]:9",
    ].map((url) => [url, url] as const),
    refused: [...empty, ...urls, "http://id.example", "http://10.0.0.1", "http://127.0.0.1.example"],
  },
  oidcClientId: {
    beside: ["--auth", "oidc", "--oidc-issuer", "https://x"],
    of: ({ oidc }) => oidc?.clientId,
    taken: [["parlor", "parlor"]],
    refused: empty,
  },
  oidcClientSecret: {
    beside: ["--auth", "oidc", "--oidc-issuer", "https://x", "--oidc-client-id", "x"],
    of: ({ oidc }) => oidc?.clientSecret,
    ...secret,
  },
  metricsToken: { of: ({ metricsToken }) => metricsToken, ...secret },
  metricsAllow: {
    of: ({ metricsAllow }) => metricsAllow,
    taken: listed.map((each) => [each, [each]] as const),
    refused: [...empty, ...addresses],
  },
  open: { beside: ["--host", "0.0.0.0"], of: ({ open }) => open, ...switches },
  allowOrigin: {
    of: ({ allowOrigins }) => allowOrigins,
    taken: [
      ["http://a:4200", ["http://a:4200"]],
      ["https://A.example:443/", ["https://a.example"]],
      ["app://obsidian.md", ["app://obsidian.md"]],
      ["chrome-extension://abc", ["chrome-extension://abc"]],
      ["tauri://localhost", ["tauri://localhost"]],
      ["vscode-webview://1a-2b", ["vscode-webview://1a-2b"]],
    ],
    refused: [
      ...empty,
      "*",
      "null",
      "a.example",
      "http://*",
      "http://*.example.com",
      "https://a/path",
      "http://a?x",
      "file:///x",
      "app://*",
      "//a",
      "http://a b",
    ],
  },
  logFormat: {
    of: ({ logFormat }) => logFormat,
    taken: [
      ["json", "json"],
      ["pretty", "pretty"],
    ] as const,
    refused: [...empty, "JSON", "text", "xml"],
  },
  logTexts: { of: ({ logTexts }) => logTexts, ...switches },
  logLevel: {
    of: ({ logLevel }) => logLevel,
    taken: [
      ["debug", "debug"],
      ["warn", "warn"],
    ] as const,
    refused: [...empty, "warning", "INFO", "trace", "3"],
  },
};

/** The three ways to say it. */
function saidIn(option: Option, beside: readonly string[], spelling: string): Record<string, () => Config> {
  const file = (text: string) => () => ({ name: "parlor.toml", text });
  return {
    flag: () => parseConfig([...beside, `--${option.flag}=${spelling}`], {}),
    ...(option.env !== null &&
      spelling.trim() !== "" &&
      !option.repeatable && { environment: () => parseConfig(beside, { [option.env as string]: spelling }) }),
    ...(option.flag !== "data" && {
      file: () => parseConfig(beside, {}, file(`${option.flag} = ${JSON.stringify(spelling)}`)),
    }),
  };
}

describe("options", () => {
  for (const [name, { beside = [], of, taken, refused }] of Object.entries(table)) {
    const option = (options as Record<string, Option>)[name] as Option;
    test(`--${option.flag}: ${taken.length} spellings are taken, ${refused.length} refused with what is allowed`, () => {
      for (const [spelling, as] of taken) {
        for (const [where, parse] of Object.entries(saidIn(option, beside, spelling)))
          expect([spelling, where, of(parse())]).toEqual([spelling, where, as]);
      }
      for (const spelling of refused) {
        for (const [where, parse] of Object.entries(saidIn(option, beside, spelling))) {
          let message = "taken";
          try {
            parse();
          } catch (error) {
            if (!(error instanceof UsageError)) throw error;
            ({ message } = error);
          }
          expect([spelling, where, message]).toEqual([
            spelling,
            where,
            expect.stringMatching(/allowed is|http:\/\/HOST:PORT|can be listed only where/),
          ]);
        }
      }
    });
  }

  test("switches take no value on the command line, true or false elsewhere", () => {
    for (const option of Object.values<Option>(options).filter(({ value }) => value === null)) {
      for (const value of ["true", "false", "yes", "1", ""])
        expect(() => parseConfig([`--${option.flag}=${value}`], {})).toThrow("takes no value");
      if (option.env === null) continue;
      for (const value of ["yes", "1", "on", "TRUE", " "])
        expect(() => parseConfig([], { [option.env as string]: value })).toThrow("allowed is true or false");
      for (const value of ["true", "false"])
        expect(() => parseConfig([], { [option.env as string]: value })).not.toThrow();
    }
  });

  test("numbers are whole and within their bounds, without units", () => {
    for (const [name, { min, max }] of Object.entries(bounds)) {
      const flag = `--${kebab(name)}`;
      for (const wrong of [...empty, ...numbers, String(min - 1), String(max + 1)]) {
        expect(() => parseConfig([`${flag}=${wrong}`], {})).toThrow(
          `${flag} can't be "${wrong}"; allowed is a whole number from ${min} to ${max}`,
        );
      }
    }
    expect(() => parseConfig(["--restart-ms", "5000", "--restart-max-ms", "1000"], {})).toThrow(
      "longer than the longest pause",
    );
  });

  test("what is named twice counts once; lists in the environment may have spaces", () => {
    expect(
      parseConfig(["--llama", "http://a:1", "--llama", "http://a:1/", "--llama", "http://A:1/v1"], {}).llama,
    ).toEqual(["http://a:1"]);
    expect(
      parseConfig(["--allow-origin", "http://a", "--allow-origin", "http://a:80/"], {}).allowOrigins,
    ).toEqual(["http://a"]);
    const env = {
      PARLOR_LLAMA: "http://a:1, http://b:2 ,",
      PARLOR_TRUSTED_PROXY: "10.0.0.0/8, ::1",
      PARLOR_ALLOW_ORIGIN: "app://x , http://y",
    };
    expect(parseConfig([], env)).toMatchObject({
      llama: ["http://a:1", "http://b:2"],
      trustedProxies: ["10.0.0.0/8", "::1"],
      allowOrigins: ["app://x", "http://y"],
    });
  });

  test("what would hold for nothing is refused", () => {
    const cases: [readonly string[], RegExp][] = [
      [["--trusted-proxy", "unix"], /only where parlor listens on --host unix/],
      [["--metrics-allow", "unix"], /only where parlor listens on --host unix/],
      [["--host", "unix:/x", "--trusted-proxy", "127.0.0.1"], /--trusted-proxy: .* is called unix$/],
      [["--host", "unix:/x", "--metrics-allow", "10.0.0.0/8"], /--metrics-allow: .* allowed is unix$/],
      [["--host", "unix:/x", "--port", "1234"], /^--port is for an address/],
      [["--llama-arg", "-ngl"], /^--llama-arg is for a llama-server that parlor starts: give --model/],
      [["--llama", "http://x", "--llama-server", "x"], /^--llama-server is for a llama-server that parlor/],
      [["--oidc-issuer", "https://x"], /^--oidc-issuer is for --auth oidc/],
      [["--auth", "password", "--oidc-client-secret", "x"], /^--oidc-client-secret is for --auth oidc/],
      [["--llama-api-key", "--open"], /^--llama-api-key needs a value/],
      [["--host", "--port", "1"], /^--host needs a value/],
    ];
    for (const [args, sentence] of cases) expect(() => parseConfig(args, {})).toThrow(sentence);
    expect(
      parseConfig(["--host", "unix:/x", "--trusted-proxy", "unix", "--auth", "header"], {}).trustedProxies,
    ).toEqual(["unix"]);
  });

  test("what would hold for nothing is refused in the file of settings, too", () => {
    const file = (text: string) => () => parseConfig([], {}, () => ({ name: "parlor.toml", text }));
    expect(file('host = "unix:/x"\nport = 1234')).toThrow(/^--port is for an address/);
    expect(file('llama-arg = ["-c", "4096"]')).toThrow(
      /^--llama-arg is for a llama-server that parlor starts/,
    );
  });

  test("what can have no effect and is no reason not to start is named", () => {
    const env = {
      PARLOR_LLAMA_ARGS: "-c 4096",
      PARLOR_LLAMA_SERVER: "x",
      PARLOR_PROT: "1",
      PARLOR_URL: "http://x",
      PARLOR_KEY: "k",
      PARLOR_SERVICE_HOST: "10.0.0.1",
      PARLOR_PORT: "1",
      HOME: "/",
    };
    expect(withoutEffect(parseConfig(["--host", "unix:/x"], env), env)).toEqual([
      "PARLOR_PROT",
      "--llama-arg",
      "--llama-server",
    ]);
    expect(withoutEffect(parseConfig(["--llama-arg", "-c", "--model", "m"], {}), {})).toEqual([]);
  });

  test("secrets are in no message", () => {
    const s3cret = "s3cret s3cret";
    const env = { PARLOR_LLAMA_API_KEY: s3cret };
    const oidc = ["--auth", "oidc", "--oidc-client-id", "parlor"];
    const tries = [
      () => parseConfig(["--llama-api-key", s3cret], {}),
      () => parseConfig(["--metrics-token", s3cret], {}),
      () => parseConfig(["--llama-api-kye=s3cret"], {}),
      () => parseConfig(["--llama", "ftp://ada:s3cret@x"], {}),
      () => parseConfig(["--oidc-issuer", "ftp://ada:s3cret@x"], {}),
      () => parseConfig([], env),
      () => parseConfig([], {}, () => ({ name: "parlor.toml", text: `oidc-client-secret = "${s3cret}"` })),
      () => parseConfig([], {}, () => ({ name: "parlor.toml", text: "metrics-token = s3cret" })),
      () => parseConfig(["--llama", "http://x/?api_key=s3cret"], {}),
      () => parseConfig(["--llama", "http://ada:a@x;http://ben:s3cret@y"], {}),
      () => parseConfig([], { PARLOR_LLAMA: "http://ada:s3cret,more@x y" }),
      () => parseConfig(["--allow-origin", "https://ada:s3cret@x"], {}),
      () => parseConfig([...oidc, "--oidc-issuer", "https://ada:s3cret@x"], {}),
      () => parseConfig([...oidc, "--oidc-issuer", "http://ada:s3cret@x"], {}),
    ];
    for (const each of tries) {
      expect(each).toThrow(UsageError);
      expect(each).not.toThrow(/s3cret/);
    }
  });

  test("a password in an address of a list may hold a comma", () => {
    const env = { PARLOR_LLAMA: "http://ada:a,b@x:1, http://y:2," };
    expect(parseConfig([], env).llama).toEqual(["http://ada:a,b@x:1", "http://y:2"]);
  });

  test("may stand before, between and behind a command's words", () => {
    expect(split(["--port", "1", "ask", "--open", "what", "-c", "--llama=x", "is"])).toEqual({
      words: ["ask", "what", "-c", "is"],
      flags: ["--port", "1", "--open", "--llama=x"],
    });
    expect(split(["ask", "--port", "1", "--", "--what", "-x"])).toEqual({
      words: ["ask", "--what", "-x"],
      flags: ["--port", "1"],
    });
    expect(split(["ask", "x", "--port"])).toEqual({ words: ["ask", "x"], flags: ["--port"] });
  });
});
