import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Command } from "../../src/cli/command.ts";
import { chainCommand } from "../../src/commands/chain/chain.ts";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import { cooldownOf, cooldownStarted, note, stateOptions } from "../store/samples.ts";
import { chainMachine } from "./chain-machine.ts";
import { tempMachine } from "./orouter.ts";

const moment = expect.any(Number);

test("chain list --json has chains and fallbacks in their documented shape", async () => {
  await using machine = await chainMachine();
  const nowMs = Date.now();
  const state = await openState(stateOptions(machine.file("state.db")));
  note(state, cooldownStarted(cooldownOf(`key ${fingerprint("scripted-first")}`, nowMs)));
  note(state, cooldownStarted({ ...cooldownOf("model work/gemma4:31b", nowMs), scope: "model" }));
  state.ledger.saveBench({
    model: "work/gpt-oss:120b",
    atMs: nowMs,
    runs: 3,
    failed: 0,
    firstTokenMs: { median: 420, min: 400, max: 500 },
    tokensPerSecond: { median: 85.2, min: 80, max: 90 },
    isEstimated: false,
  });
  await state.close();
  const { stdout, exitCode } = await machine.run(["chain", "list", "--json"]);
  expect(exitCode).toBe(0);
  const best = {
    model: "work/gpt-oss:120b",
    context: 131_072,
    output: 32_768,
    toolCall: null,
    vision: null,
    keys: 2,
    ready: 1,
    state: "ready",
    untilMs: null,
    why: null,
    bench: { atMs: nowMs, firstTokenMs: 420, tokensPerSecond: 85.2, isEstimated: false },
  };
  const quick = {
    ...{ model: "work/gemma4:31b", context: 65_536, output: null, toolCall: null, vision: null },
    ...{ keys: 2, ready: 0, state: "cooling-down", untilMs: moment, why: "quota", bench: null },
  };
  expect(JSON.parse(stdout)).toEqual({
    version: 2,
    chains: [
      {
        name: "coding",
        entries: ["work/gpt-oss:120b", "work/gemma4:31b"],
        context: 65_536,
        output: 32_768,
        toolCall: null,
        vision: null,
        leftOut: [],
        models: [best, quick],
      },
      {
        name: "small",
        entries: ["work/gemma4:31b"],
        context: 65_536,
        output: null,
        toolCall: null,
        vision: null,
        leftOut: [],
        models: [quick],
      },
    ],
    fallbacks: [{ model: "*", entries: ["coding"], models: ["work/gpt-oss:120b", "work/gemma4:31b"] }],
  });
  const bare = JSON.parse((await machine.run(["chain", "--json"])).stdout);
  expect(bare).toEqual(JSON.parse(stdout));
  const table = (await machine.run(["chain"])).stdout;
  expect(table).toMatch(/^coding +64k +32k +- +-$/m);
  expect(table).toMatch(/^1 work\/gpt-oss:120b +128k +32k +- +- +0\.42 s +85 +1 of 2 ready$/m);
  expect(table).toMatch(
    /^2 work\/gemma4:31b +64k +- +- +- +— +— +cooling down until .+: plan limit used up$/m,
  );
  expect(table).toMatch(/^\* \(every other\) +coding$/m);
});

test.each<[words: string[], old: string, changed: string]>([
  [
    ["add", "coding", "work/kimi-k2.6"],
    "# then the quick one\n",
    '# then the quick one\n  "work/kimi-k2.6",\n',
  ],
  [["add", "coding", "kimi-k2.6", "--at", "1"], "coding = [\n", 'coding = [\n  "work/kimi-k2.6",\n'],
  [["add", "small", "coding"], '"work/gemma4:31b"]', '"work/gemma4:31b", "coding"]'],
  [["add", "orouter/small", "work/kimi-k2.6"], '"work/gemma4:31b"]', '"work/gemma4:31b", "work/kimi-k2.6"]'],
  [["add", "other", "work/kimi-k2.6"], "# for a laugh\n", '# for a laugh\nother = ["work/kimi-k2.6"]\n'],
  [["remove", "coding", "1"], '  "work/gpt-oss:120b",   # the best first\n', ""],
  [["remove", "coding", "gemma4:31b"], '  "work/gemma4:31b",     # then the quick one\n', ""],
  [["remove", "small", "--yes"], 'small = ["work/gemma4:31b"]   # for a laugh\n', ""],
  [["rename", "small", "tiny"], "small =", "tiny ="],
  [
    ["fallback", "work/kimi-k2.6", "small", "work/glm-5.2"],
    "happens\n",
    'happens\n"work/kimi-k2.6" = ["small", "work/glm-5.2"]\n',
  ],
  [["fallback", "*", "small"], '"*" = ["coding"] ', '"*" = ["small"] '],
  [["fallback", "*", "--remove"], '"*" = ["coding"]   # whatever happens\n', ""],
])("chain %p changes that and nothing else", async (words, old, changed) => {
  await using machine = await chainMachine();
  const run = await machine.run(["chain", ...words]);
  expect(run.stderr).not.toContain("orouter:");
  expect(run).toMatchObject({ stdout: "", exitCode: 0 });
  expect(machine.config).toContain(old);
  expect(await machine.read("config.toml")).toBe(machine.config.replace(old, changed));
});

test.each([
  [["move", "coding", "2", "up"]],
  [["move", "coding", "gpt-oss:120b", "down"]],
  [["move", "coding", "work/gemma4:31b", "1"]],
])("chain %p turns the two around, each with its comment", async (words) => {
  await using machine = await chainMachine();
  expect((await machine.run(["chain", ...words])).exitCode).toBe(0);
  const [best, quick] = [
    '  "work/gpt-oss:120b",   # the best first\n',
    '  "work/gemma4:31b",     # then the quick one\n',
  ];
  expect(await machine.read("config.toml")).toBe(machine.config.replace(best + quick, quick + best));
});

test("a chain that is renamed is renamed wherever it is mentioned", async () => {
  await using machine = await chainMachine();
  await machine.run(["chain", "add", "small", "coding"]);
  expect((await machine.run(["chain", "rename", "coding", "work"])).exitCode).toBe(0);
  const text = await machine.read("config.toml");
  expect(Bun.TOML.parse(text)).toMatchObject({
    chains: {
      work: ["work/gpt-oss:120b", "work/gemma4:31b"],
      small: ["work/gemma4:31b", "work"],
    },
    fallbacks: { "*": ["work"] },
  });
  expect(text).toContain('"work/gpt-oss:120b",   # the best first');
});

test.each<[words: string[], exitCode: number, said: string]>([
  [["add", "coding", "wrok/x"], 2, "Did you mean work?"],
  [["add", "coding", "kimi-k2"], 2, "Did you mean"],
  [["add", "coding", "smal"], 2, "Did you mean small?"],
  [["add", "coding", "oss"], 2, "With it in their names: work/gpt-oss:120b"],
  [["add", "coding", "work/gemma4:31b"], 2, "already contains work/gemma4:31b, at position 2"],
  [["add", "coding", "coding"], 3, "contains itself"],
  [["add", "coding", "work/kimi-k2.6", "--at", "4"], 2, "Position 4 does not exist"],
  [["add", "coding", "work/kimi-k2.6", "--at", "first"], 2, "counted from 1"],
  [["add", "my chain", "work/kimi-k2.6"], 3, "not a valid chain name"],
  [["remove", "codin"], 2, "Did you mean coding?"],
  [["remove", "coding", "work/gema4:31b"], 2, "Did you mean work/gemma4:31b?"],
  [["remove", "coding", "--yes"], 2, "the fallback of *"],
  [["remove", "small"], 2, "--yes"],
  [["remove", "small", "1"], 2, "a chain cannot be empty"],
  [["move", "coding", "1", "up"], 2, "is already first"],
  [["move", "coding", "1", "3"], 2, "Position 3 does not exist"],
  [["move", "coding", "1", "left"], 2, "up, down or a position"],
  [["rename", "coding", "small"], 2, "A chain small already exists"],
  [["rename", "coding", "a b"], 3, "not a valid chain name"],
  [["fallback", "coding", "small"], 3, "not a single model"],
  [["fallback", "*"], 2, "needs CHAIN|MODEL… or --remove"],
  [["fallback", "work/kimi-k2.6", "--remove"], 2, "work/kimi-k2.6 has no fallback"],
  [["test", "codin"], 2, "Did you mean coding?"],
  [["add", "coding", "sk-abcdefghijklmnop1234567890"], 2, "A key cannot be an argument"],
  [["rename", "coding", "sk-abcdefghijklmnop1234567890"], 2, "A key cannot be an argument"],
])("chain %p is refused and the file stays as it is", async (words, exitCode, said) => {
  await using machine = await chainMachine();
  const run = await machine.run(["chain", ...words]);
  expect(run.stderr).toContain(said);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stderr).not.toContain("1234567890");
  expect(await machine.read("config.toml")).toBe(machine.config);
});

test.each<[model: string, said: string]>([
  ["work/gema4:31b", "Did you mean work/gemma4:31b?"],
  ["nvidia/some/model", "No key for nvidia yet"],
])("%s is added, and what is odd about it is said", async (model, said) => {
  await using machine = await chainMachine();
  const run = await machine.run(["chain", "add", "coding", model]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain(said);
  expect(await machine.read("config.toml")).toContain(`"${model}"`);
});

test("without any chain the list says how to make one, and looking makes no file", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", "[models_dev]\nenabled = false\n");
  const run = await machine.run(["chain", "list"]);
  expect(run).toMatchObject({ stdout: "", exitCode: 0 });
  expect(run.stderr).toContain("orouter chain add NAME");
  expect(existsSync(machine.file("state.db"))).toBe(false);
});

test("the first chain makes its table", async () => {
  using machine = tempMachine();
  await machine.run(["config", "set", "models_dev.enabled", "false"]);
  expect((await machine.run(["chain", "add", "mine", "ollama-cloud/gpt-oss:120b"])).exitCode).toBe(0);
  expect(Bun.TOML.parse(await machine.read("config.toml"))).toEqual({
    models_dev: { enabled: false },
    chains: { mine: ["ollama-cloud/gpt-oss:120b"] },
  });
});

async function verbsBelow(command: Command): Promise<Command[]> {
  const children = await Promise.all(Object.values(command.children).map((entry) => entry.load()));
  return [command, ...(await Promise.all(children.map(verbsBelow))).flat()];
}

test("every example of chain's help works, on a machine that has what they name", async () => {
  const examples = (await verbsBelow(chainCommand)).flatMap((command) => command.examples);
  expect(examples.length).toBeGreaterThan(10);
  await using base = await chainMachine();
  const config = `[providers.ollama-cloud]
base_url = "${base.upstream.baseUrl}"
[models_dev]
enabled = false
[chains]
coding = ["ollama-cloud/gemma4:31b", "nvidia/openai/gpt-oss-120b", "ollama-cloud/glm-5.2"]
[fallbacks]
"*" = ["coding"]
`;
  const keys = '[[keys]]\nprovider = "ollama-cloud"\nname = "first"\nvalue = "scripted-first"\n';
  for (const { line } of examples) {
    using machine = tempMachine();
    const isAdded = line.includes(" add ") && line.includes("nvidia/");
    const isRemoved = line.includes("remove coding --yes");
    const own = isAdded ? config.replace('"nvidia/openai/gpt-oss-120b", ', "") : config;
    await machine.write("config.toml", isRemoved ? own.replace('"*" = ["coding"]', "") : own);
    await machine.write("keys.toml", keys);
    const words = line
      .split(" ")
      .slice(1)
      .map((word) => word.replaceAll('"', ""));
    const run = await machine.run(words);
    expect(`${line} ${run.exitCode} ${run.exitCode === 0 ? "" : run.stderr}`).toBe(`${line} 0 `);
  }
});
