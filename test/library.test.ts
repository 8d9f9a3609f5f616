import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildLibrary } from "../scripts/build-library.ts";
import {
  buildOpenCodeConfig,
  calculateModelCapabilities,
  clearModelCache,
  fetchComboData,
  fetchModels,
  mergeOpenCodeConfig,
  normalizeBaseURL,
  type ProviderConfig,
  refreshModels,
  resolveUnderlyingModels,
} from "../src/library/orouter.ts";
import { tempFolder } from "./config/temp-folder.ts";

const ROOT = join(import.meta.dir, "..");
const SOURCE = join(ROOT, "src", "library", "orouter.ts");
const MEMBERS = [
  "kmc/kimi-k2.5",
  "cx/gpt-5.1-codex-mini",
  "gemini/models/gemini-3-flash-preview",
  "acme/house-model",
];

const known = (context: number, output: number, inputs: string[]) => ({
  tool_call: true,
  reasoning: true,
  limit: { context, output },
  modalities: { input: inputs, output: ["text"] },
});

const MODELS_DEV = {
  moonshotai: { models: { "kimi-k2.5": known(256_000, 65_536, ["text", "image"]) } },
  openai: { models: { "gpt-5.1-codex-mini": known(204_800, 32_768, ["text"]) } },
  google: { models: { "gemini-3-flash-preview": known(1_048_576, 65_536, ["text", "image", "pdf"]) } },
};

/** Answers as OmniRoute and as models.dev, and counts. */
function serve() {
  const asked: string[] = [];
  const state = { isUp: true, models: ["Designer", "cx/gpt-5.1-codex-mini"], combosStatus: 200 };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      asked.push(`${pathname} ${request.headers.get("authorization") ?? "-"}`);
      if (!state.isUp) return new Response("down", { status: 503 });
      if (pathname === "/v1/models") {
        return Response.json({
          data: state.models.map((id) => ({ id, ...(id === "Designer" ? { owned_by: "combo" } : {}) })),
        });
      }
      if (pathname === "/api/combos") {
        return Response.json(
          { combos: [{ id: "1", name: "Designer", models: MEMBERS.map((model) => ({ model })) }] },
          { status: state.combosStatus },
        );
      }
      if (pathname === "/api.json") return Response.json(MODELS_DEV);
      return new Response("not found", { status: 404 });
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  const warnings: string[] = [];
  const config = (more: Partial<ProviderConfig> = {}): ProviderConfig => ({
    baseUrl: url,
    apiKey: "made-up",
    modelsDev: { url: `${url}/api.json` },
    onWarning: (message) => void warnings.push(message),
    ...more,
  });
  const count = (path: string) => asked.filter((line) => line.startsWith(`${path} `)).length;
  return {
    url,
    asked,
    state,
    warnings,
    config,
    count,
    [Symbol.dispose]: () => {
      clearModelCache();
      void server.stop(true);
    },
  };
}

describe("models", () => {
  test("are kept until their time is over, asked for again on demand, and forgotten when told", async () => {
    using fake = serve();
    expect((await fetchModels(fake.config())).map(({ id }) => id)).toEqual([
      "Designer",
      "cx/gpt-5.1-codex-mini",
    ]);
    fake.state.models = ["other-1"];
    expect(await fetchModels(fake.config())).toHaveLength(2);
    expect((await refreshModels(fake.config())).map(({ id }) => id)).toEqual(["other-1"]);
    expect(fake.count("/v1/models")).toBe(2);
    await fetchModels(fake.config({ refreshOnList: true }));
    await fetchModels(fake.config({ modelCacheTtl: 0 }));
    expect(fake.count("/v1/models")).toBe(4);
    expect(fake.count("/api.json")).toBe(1);
    clearModelCache();
    await fetchModels(fake.config());
    expect([fake.count("/v1/models"), fake.count("/api.json")]).toEqual([5, 2]);
  });

  test("are asked for with the key given, which models.dev never sees, and each key has a list of its own", async () => {
    using fake = serve();
    await fetchModels(fake.config());
    await fetchModels(fake.config(), "another");
    expect(fake.asked.filter((line) => line.startsWith("/v1/models"))).toEqual([
      "/v1/models Bearer made-up",
      "/v1/models Bearer another",
    ]);
    expect(fake.asked).toContain("/api.json -");
    expect(fake.asked.some((line) => line.startsWith("/api.json Bearer"))).toBe(false);
  });

  test("of a provider that is down are those from before, else the default ones, else built-in ones", async () => {
    using fake = serve();
    fake.state.isUp = false;
    const mine = { id: "mine", name: "Mine", contextWindow: 1000 };
    expect(await fetchModels(fake.config({ defaultModels: [mine] }))).toEqual([mine]);
    const builtIn = await fetchModels(fake.config());
    expect(builtIn.map(({ id }) => id)).toContain("gpt-4o");
    expect(fake.warnings.at(-1)).toContain("HTTP 503; built-in models are used");
    fake.state.isUp = true;
    await fetchModels(fake.config());
    fake.state.isUp = false;
    expect(await refreshModels(fake.config({ defaultModels: [mine] }))).toHaveLength(2);
    expect(fake.warnings.join()).toContain("the list from before is used");
    expect(fake.warnings.join()).not.toContain("made-up");
  });

  test("are as their user says, by id or pattern, and a later word wins field by field", async () => {
    using fake = serve();
    const rules = [
      { match: /CODEX/gi, contextWindow: 9, maxTokens: 8 },
      { match: "omniroute/cx/gpt-5.1-codex-mini", contextWindow: 7, name: "Mini" },
      { match: "new", addIfMissing: true, supportsVision: true },
      { match: "not-there", maxTokens: 1 },
      { match: /no-such/, addIfMissing: true },
    ];
    for (let round = 0; round < 2; round++) {
      const models = await fetchModels(fake.config({ modelMetadata: rules }));
      expect(models.find(({ id }) => id.startsWith("cx/"))).toMatchObject({
        contextWindow: 7,
        maxTokens: 8,
        name: "Mini",
        supportsTools: true,
      });
      expect(models.slice(2)).toEqual([{ id: "new", name: "new", supportsVision: true }]);
    }
    const byId = { "virtual/mine": { addIfMissing: true, contextWindow: 50_000 } };
    expect((await fetchModels(fake.config({ modelMetadata: byId }))).at(-1)).toEqual({
      id: "virtual/mine",
      name: "virtual/mine",
      contextWindow: 50_000,
    });
  });

  test("come without models.dev when that is switched off, and nothing is made up", async () => {
    using fake = serve();
    const models = await fetchModels(fake.config({ modelsDev: { enabled: false } }));
    expect(models[1]).toEqual({ id: "cx/gpt-5.1-codex-mini", name: "cx/gpt-5.1-codex-mini" });
    expect(fake.count("/api.json")).toBe(0);
  });

  test("of an address that is none are an error which does not repeat it", async () => {
    const work = fetchModels({ baseUrl: "http://me:secret@host", apiKey: "" });
    expect(await work.catch(String)).toMatch(/^Error: The base URL must be (?!.*secret)/);
  });
});

describe("combos", () => {
  test("are known by name, kept for a while, and lead to their members", async () => {
    using fake = serve();
    expect(await fetchComboData(fake.config())).toEqual(
      new Map([["Designer", { name: "Designer", models: MEMBERS }]]),
    );
    expect(await resolveUnderlyingModels("Designer", fake.config())).toEqual(MEMBERS);
    expect(await resolveUnderlyingModels("gpt-5.5", fake.config())).toEqual(["gpt-5.5"]);
    expect(fake.count("/api/combos")).toBe(1);
  });

  test("that a key may not see are none, which is told", async () => {
    using fake = serve();
    fake.state.combosStatus = 403;
    expect(await fetchComboData(fake.config())).toEqual(new Map());
    expect(fake.warnings).toEqual([
      `${fake.url}/v1 cannot be asked for its combos: it answers with HTTP 403.`,
    ]);
    expect(await fetchModels(fake.config())).toHaveLength(2);
  });

  test("can do what all their known members can, and the others are told", async () => {
    using fake = serve();
    const designer = {
      contextWindow: 204_800,
      maxTokens: 32_768,
      supportsTools: true,
      supportsReasoning: true,
      supportsVision: false,
    };
    expect(await calculateModelCapabilities({ id: "Designer" }, fake.config())).toEqual(designer);
    expect(fake.warnings.join()).toContain("nothing is known of acme/house-model");
    const offline = fake.config({ modelsDev: { url: "http://127.0.0.1:9/" } });
    expect(await calculateModelCapabilities("Designer", offline, MODELS_DEV)).toEqual(designer);
  });

  test("are not the only ones whose abilities can be asked for, and what a model says itself counts", async () => {
    using fake = serve();
    const model = { id: "cx/gpt-5.1-codex-mini", contextWindow: 1000 };
    expect(await calculateModelCapabilities(model, fake.config())).toMatchObject({
      contextWindow: 1000,
      maxTokens: 32_768,
      supportsTools: true,
    });
    expect(await calculateModelCapabilities("never-heard-of", fake.config())).toEqual({});
  });
});

test("a config that cannot be added to is an error with its place", () => {
  const entry = buildOpenCodeConfig({ baseURL: "http://h", apiKey: "none" });
  expect(() => mergeOpenCodeConfig('{\n "a" 1}', entry)).toThrow("line 2, column 6: a colon is missing here");
  expect(Object.keys(entry.provider["omniroute"]?.models ?? {})).toContain("auto");
  expect(() => normalizeBaseURL("localhost:20128")).toThrow("must be an http(s) address");
});

/** The examples of the page: what to run, and what it prints. */
const page = await Bun.file(join(ROOT, "docs", "LIBRARY.md")).text();
const EXAMPLES = [...page.matchAll(/```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
  ([, code = "", printed = ""]) => ({
    code,
    printed,
    name: /import \{ (?:writeFileSync \}.*\n.*\{ )?([^}]+) \}/.exec(code)?.[1],
  }),
);

test("every example of the page says what it prints", () => {
  expect(EXAMPLES).toHaveLength(page.split("```js\n").length - 1);
  expect(EXAMPLES.length).toBeGreaterThan(4);
});

describe("the package", () => {
  const folder = tempFolder();
  const installed = join(folder.path, "node_modules", "orouter");

  beforeAll(async () => {
    mkdirSync(join(installed, "dist"), { recursive: true });
    cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
    await buildLibrary(join(installed, "dist", "lib"));
  });
  afterAll(() => folder[Symbol.dispose]());

  /** Runs a script in a folder that has the package installed. */
  async function run(command: string[], script: string): Promise<string> {
    const file = join(folder.path, "script.mjs");
    writeFileSync(file, script);
    const child = Bun.spawn([...command, file], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"] ?? "", HOME: folder.path, NO_COLOR: "1" },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    if (child.exitCode !== 0) throw new Error(stderr);
    return stdout;
  }

  const local = (code: string, url: string) =>
    code
      .replaceAll("https://models.dev", url)
      .replaceAll(/(baseUrl: )"http:\/\/localhost:20128"/g, `$1"${url}"`);

  test.each(EXAMPLES)("does in Node what the page says: $name", async ({ code, printed }) => {
    using fake = serve();
    expect(plain(await run(["node"], local(code, fake.url)))).toBe(plain(printed));
  });

  test.each(EXAMPLES)(
    "does in Bun, from the source, what the page says: $name",
    async ({ code, printed }) => {
      using fake = serve();
      const source = local(code, fake.url).replace('from "orouter"', `from ${JSON.stringify(SOURCE)}`);
      expect(plain(await run([process.execPath], source))).toBe(plain(printed));
    },
  );

  test("does nothing on import, and needs nothing that Node 20 does not have", async () => {
    using fake = serve();
    const script = `
      for (const [owner, name] of [[URL, "parse"], [Promise, "withResolvers"], [Map, "groupBy"], [Object, "groupBy"], [Array, "fromAsync"]]) delete owner[name];
      delete globalThis.Iterator;
      for (const name of ["union", "intersection", "difference", "isSubsetOf"]) delete Set.prototype[name];
      const { fetch } = globalThis;
      globalThis.fetch = () => { throw new Error("the net was touched"); };
      const before = Object.getOwnPropertyNames(globalThis).join();
      const { fetchModels, buildOpenCodeConfig, mergeOpenCodeConfig } = await import("orouter");
      console.log(before === Object.getOwnPropertyNames(globalThis).join(), "parse" in URL, "groupBy" in Map, "withResolvers" in Promise);
      console.log(process._getActiveHandles().filter((one) => one.fd === undefined || one.fd > 2).length);
      globalThis.fetch = fetch;
      const url = ${JSON.stringify(fake.url)};
      console.log((await fetchModels({ baseUrl: url, apiKey: "x", modelsDev: { url: url + "/api.json" }, onWarning() {} })).length);
      console.log(mergeOpenCodeConfig("{}", buildOpenCodeConfig({ baseURL: url, apiKey: "x" })).includes("omniroute"));`;
    expect(await run(["node"], script)).toBe("true false false false\n0\n2\ntrue\n");
  });

  test("has types that a strict project takes", async () => {
    const file = join(folder.path, "uses.mts");
    writeFileSync(file, TYPED);
    const flags = [
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--target",
      "es2023",
      "--module",
      "nodenext",
    ];
    const command = [join(ROOT, "node_modules", ".bin", "tsc"), ...flags, "--types", "", file];
    const check = Bun.spawnSync(command, { cwd: folder.path });
    expect(check.stdout.toString()).toBe("");
  });
});

/** Node and Bun print the same objects with other quotes and breaks. */
function plain(text: string): string {
  return text.replaceAll(/["']/g, "").replaceAll(/,?\s+/g, " ").trim();
}

const TYPED = `
import {
  buildOpenCodeConfig, calculateModelCapabilities, clearModelCache, fetchComboData, fetchModels, mergeOpenCodeConfig,
  normalizeBaseURL, refreshModels, resolveUnderlyingModels,
  type ComboData, type ModelCapabilities, type OpenCodeConfig, type ProviderConfig, type ProviderModel,
} from "orouter";
const config: ProviderConfig = { baseUrl: "http://h", apiKey: "k", apiMode: "chat", refreshOnList: true, modelCacheTtl: 1,
  modelsDev: { enabled: true, url: "", timeoutMs: 1, cacheTtl: 1, providerAliases: { cx: "openai" } },
  modelMetadata: [{ match: /x/, contextWindow: 1, maxTokens: 2 }], defaultModels: [{ id: "a", name: "A", pricing: { input: 1 } }] };
const models: ProviderModel[] = await fetchModels(config, "k");
const again: ProviderModel[] = await refreshModels(config);
const combos: Map<string, ComboData> = await fetchComboData(config);
const ids: string[] = await resolveUnderlyingModels("a", config);
const can: ModelCapabilities = await calculateModelCapabilities(models[0] ?? "a", config, {});
const built: OpenCodeConfig = buildOpenCodeConfig({ baseURL: normalizeBaseURL("http://h"), apiKey: "k", models: ids, modelLabels: {} });
const text: string = mergeOpenCodeConfig("", built);
const cleared: number = clearModelCache();
// @ts-expect-error: an address is needed
buildOpenCodeConfig({ apiKey: "k" });
void [again, combos, can, text, cleared];
`;
