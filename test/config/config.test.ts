// The command line. If this fails, people start something else than they asked for, or are told nothing of use.

import { describe, expect, test } from "bun:test";
import { envOf, kebab, UsageError } from "../../src/config/arguments.ts";
import { bounds } from "../../src/config/bounds.ts";
import { defaultBounds, parseConfig } from "../../src/config/config.ts";
import { help, markdownTable } from "../../src/config/help.ts";
import { options } from "../../src/config/options.ts";

describe("parseConfig", () => {
  test("without anything, the defaults", () => {
    expect(parseConfig([], {})).toEqual({
      llama: [],
      llamaApiKey: null,
      models: [],
      embedding: { llama: [], model: null },
      reranking: { llama: [], model: null },
      llamaServer: null,
      llamaArgs: [],
      host: "127.0.0.1",
      port: 8081,
      basePath: "",
      tls: null,
      data: null,
      db: null,
      enforcedPersona: null,
      auth: "none",
      trustedProxies: [],
      oidc: null,
      metricsToken: null,
      logTexts: false,
      metricsAllow: ["127.0.0.1", "::1"],
      generateTitles: false,
      open: false,
      allowOrigins: [],
      logFormat: null,
      logLevel: "info",
      bounds: defaultBounds,
    });
  });

  test("a flag wins over the environment, the environment over the default", () => {
    expect(parseConfig([], { PARLOR_PORT: "9000" }).port).toBe(9000);
    expect(parseConfig(["--port", "9001"], { PARLOR_PORT: "9000" }).port).toBe(9001);
    expect(parseConfig(["--port=9002"], {}).port).toBe(9002);
    expect(parseConfig([], { PARLOR_STALL_MS: "5000" }).bounds.stallMs).toBe(5000);
    expect(parseConfig(["--stall-ms", "6000"], { PARLOR_STALL_MS: "5000" }).bounds.stallMs).toBe(6000);
    expect(parseConfig([], { PARLOR_PORT: "" }).port).toBe(8081);
  });

  test("what may be repeated is, also from the environment", () => {
    expect(
      parseConfig(["--model", "m", "--llama-arg", "-ngl", "--llama-arg=99"], { PARLOR_LLAMA_ARGS: "-c 1" })
        .llamaArgs,
    ).toEqual(["-ngl", "99"]);
    expect(parseConfig([], { PARLOR_LLAMA_ARGS: " -c  4096 " }).llamaArgs).toEqual(["-c", "4096"]);
    expect(parseConfig(["--llama", "http://a:1/", "--llama", "http://b:2"], {}).llama).toEqual([
      "http://a:1",
      "http://b:2",
    ]);
    expect(parseConfig([], { PARLOR_LLAMA: "http://a:1,http://b:2" }).llama).toEqual([
      "http://a:1",
      "http://b:2",
    ]);
    expect(parseConfig([], { PARLOR_ALLOW_ORIGIN: "http://a:1,https://b/" }).allowOrigins).toEqual([
      "http://a:1",
      "https://b",
    ]);
  });

  const refused: [readonly string[], RegExp, Record<string, string>?][] = [
    [["--prot", "1"], /^--prot is not an option; parlor --help lists them$/],
    [["--llama-api", "x"], /^--llama-api is not an option; did you mean --llama-api-key\? /],
    [["stray"], /^stray is not an option/],
    [["--port"], /^--port needs a value: a whole number from 0 to 65535$/],
    [["--port", "70000"], /^--port can't be "70000"; allowed is a whole number from 0 to 65535$/],
    [["--port", "-1"], /^--port can't be/],
    [["--port", "1e3"], /^--port can't be/],
    [["--port", "1", "--port", "2"], /^--port is given twice$/],
    [["--open=yes"], /^--open takes no value$/],
    [["--llama", "ftp://x"], /^--llama can't be "ftp:\/\/x"; allowed is an http:\/\/ or https:\/\/ address$/],
    [["--allow-origin", "http://a/path"], /^--allow-origin can't be/],
    [["--log-format", "xml"], /^--log-format can't be "xml"; allowed is json, pretty$/],
    [["--stall-ms", "1"], /^--stall-ms can't be "1"; allowed is a whole number from 100 to 3600000$/],
    [
      ["--host", "0.0.0.0"],
      /^--host 0\.0\.0\.0 is reachable by others.*add --auth password for accounts, --open/,
    ],
    [[], /^PARLOR_PORT can't be "x"/, { PARLOR_PORT: "x" }],
  ];
  for (const [args, sentence, env] of refused) {
    test(`${JSON.stringify(env ?? args)} is refused in one line`, () => {
      const parse = () => parseConfig(args, env ?? {});
      expect(parse).toThrow(UsageError);
      expect(parse).toThrow(sentence);
      expect(parse).not.toThrow(/\n/);
    });
  }

  test("an OpenID provider beyond this machine needs TLS", () => {
    const issuer = (url: string) => () =>
      parseConfig(["--auth", "oidc", "--oidc-client-id", "x", "--oidc-issuer", url], {}).oidc?.issuer;
    for (const url of [
      "https://id.example",
      "http://127.0.0.1:9000",
      "http://localhost:9000/realm",
      "http://[::1]:9000",
    ])
      expect(issuer(url)()).toBe(url);
    for (const url of ["http://id.example", "http://192.168.1.2:9000", "http://localhost.example"])
      expect(issuer(url)).toThrow(/^--oidc-issuer .* without TLS/);
  });

  test("beyond loopback needs --open, loopback does not", () => {
    expect(parseConfig(["--host", "0.0.0.0", "--open"], {}).host).toBe("0.0.0.0");
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
      expect(parseConfig(["--host", host], {}).host).toBe(host);
  });
});

describe("parlor.toml", () => {
  const file = (text: string) => (data: string | null) => ({ name: `${data ?? "home"}/parlor.toml`, text });

  test("sets what neither a flag nor the environment does", () => {
    const text = `port = 9000\nllama = "http://x:1"\nmodel = "m"\nllama-arg = ["-c", "4096"]\nopen = true\nhost = "0.0.0.0"\nstall-ms = 5000\nlog-level = "warn"\ngenerate-titles = true`;
    const config = parseConfig([], {}, file(text));
    expect(config).toMatchObject({
      port: 9000,
      llama: ["http://x:1"],
      llamaArgs: ["-c", "4096"],
      open: true,
      generateTitles: true,
      logLevel: "warn",
    });
    expect(config.bounds.stallMs).toBe(5000);
    expect(parseConfig([], { PARLOR_PORT: "9001", PARLOR_LLAMA_ARGS: "-ngl 1" }, file(text))).toMatchObject({
      port: 9001,
      llamaArgs: ["-ngl", "1"],
    });
    expect(parseConfig(["--port", "9002"], { PARLOR_PORT: "9001" }, file(text)).port).toBe(9002);
    expect(parseConfig([], { PARLOR_GENERATE_TITLES: "false" }, file(text)).generateTitles).toBe(false);
    expect(parseConfig([], {}, file("")).port).toBe(8081);
  });

  test("is looked for where the data is", () => {
    const asked: (string | null)[] = [];
    const look = (data: string | null) => {
      asked.push(data);
      return null;
    };
    parseConfig([], {}, look);
    parseConfig([], { PARLOR_DATA: "/a" }, look);
    parseConfig(["--data", "/b"], { PARLOR_DATA: "/a" }, look);
    expect(asked).toEqual([null, "/a", "/b"]);
  });

  const wrong: [string, RegExp][] = [
    ["port = ", /^\/d\/parlor\.toml is no TOML: /],
    ["prot = 1", /^\/d\/parlor\.toml: prot can't be set here; /],
    ['data = "/x"', /^\/d\/parlor\.toml: data can't be set here; /],
    ["port = 70000", /^\/d\/parlor\.toml: port can't be "70000"; allowed is a whole number from 0 to 65535$/],
    ["port = [1, 2]", /^\/d\/parlor\.toml: port must be one value; /],
    ["llama-arg = [[1]]", /^\/d\/parlor\.toml: llama-arg must be one value or a list of them; /],
    ['open = "yes"', /^\/d\/parlor\.toml: open can't be "yes"; allowed is true or false$/],
    ["[port]\nn = 1", /^\/d\/parlor\.toml: port must be one value; /],
  ];
  for (const [text, sentence] of wrong) {
    test(`${JSON.stringify(text)} is refused in one line`, () => {
      const parse = () => parseConfig(["--data", "/d"], {}, file(text));
      expect(parse).toThrow(UsageError);
      expect(parse).toThrow(sentence);
    });
  }
});

test("help and the options table name every flag, environment name and default", () => {
  for (const text of [help("1.2.3"), markdownTable()]) {
    for (const { flag, env } of Object.values(options)) {
      expect(text).toContain(`--${flag}`);
      if (env) expect(text).toContain(env);
    }
    for (const [name, bound] of Object.entries(bounds)) {
      expect(text).toContain(`--${kebab(name)} N`);
      expect(text).toContain(envOf(name));
      expect(text).toContain(String(bound.default));
      expect(name).toMatch(/(Ms|Bytes|Chars|Tokens|Runs|Messages|Max|MaxPerAddress)$/);
    }
  }
});
