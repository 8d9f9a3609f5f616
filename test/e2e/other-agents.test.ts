import { expect, test } from "bun:test";
import type { Call } from "../../src/demo/call.ts";
import { answer, type Reply, type ToolCall, unauthorized } from "../../src/demo/reply.ts";
import { startUpstream } from "../../src/demo/upstream.ts";
import { orouterBinary } from "./binary.ts";
import { contentsOf, e2eMachine } from "./machine.ts";
import { count, MODEL, sceneWithKeys } from "./scenario.ts";

/** A real coding agent besides opencode, and how it is asked for one task. */
interface OtherAgent {
  name: string;
  words: readonly string[];
  shell: (command: string) => ToolCall;
  /** Where its own configuration is, and something in it that must stay. */
  config: readonly [file: string, text: string];
  /** It completes its configuration by itself at every start. */
  rewritesConfig?: true;
  env: Record<string, string>;
}

const PROMPT = "do the task";

const AGENTS: readonly OtherAgent[] = [
  {
    name: "claude",
    words: ["-p", "--allowed-tools", "Bash", "--", PROMPT],
    shell: (command) => ({ name: "Bash", arguments: JSON.stringify({ command, description: "Run it" }) }),
    // As people write it for another gateway: it must not win.
    config: [
      ".claude/settings.json",
      '{"env":{"ANTHROPIC_BASE_URL":"http://127.0.0.1:9","ANTHROPIC_API_KEY":"theirs"}}',
    ],
    env: { DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
  },
  {
    name: "codex",
    words: ["exec", "--skip-git-repo-check", "-s", "danger-full-access", PROMPT],
    shell: (command) => ({ name: "exec_command", arguments: JSON.stringify({ cmd: command }) }),
    config: [".codex/config.toml", 'model = "gpt-5.5"\n'],
    env: {},
  },
  {
    name: "kilo",
    words: ["run", PROMPT],
    shell: (command) => ({ name: "bash", arguments: JSON.stringify({ command, description: "Run it" }) }),
    config: [".config/kilo/kilo.json", '{"username":"somebody"}'],
    rewritesConfig: true,
    env: {
      KILO_DISABLE_MODELS_FETCH: "1",
      KILO_DISABLE_AUTOUPDATE: "1",
      KILO_DISABLE_SESSION_INGEST: "1",
      KILO_TELEMETRY_LEVEL: "off",
    },
  },
];

const OUTPUT = "the-tool-ran";
const DONE = "All done and finished well now";
const KEYS = ["a", "b", "c"];
const LIMIT_MS = 200_000;

/** The model looks around with a tool first, and then says that it is done. `fault` may answer in its place. */
function task(agent: OtherAgent, fault: (nth: number, isLast: boolean) => Reply | undefined) {
  let nth = 0;
  return (call: Call): Reply => {
    const isLast = call.body.includes(OUTPUT);
    const faulty = call.isTitle ? undefined : fault(++nth, isLast);
    if (faulty !== undefined) return faulty;
    if (isLast || call.isTitle) return answer(call, DONE);
    return { kind: "answer", text: "I look.", toolCalls: [agent.shell("echo the-tool-$(echo ran)")] };
  };
}

interface Ran {
  run: { stdout: string; stderr: string; exitCode: number | null };
  calls: readonly Call[];
}

async function play(agent: OtherAgent, api: string, reply: (call: Call) => Reply): Promise<Ran> {
  const scene = sceneWithKeys(KEYS, reply);
  const program = programOf(agent) ?? "";
  const upstream = await startUpstream(scene);
  try {
    using machine = e2eMachine();
    const routing = '[routing]\nstall_timeout = "3s"\nmax_wait = "3s"\n';
    const more = `api = "${api}"\nmodels = ["${MODEL}"]\n[chains]\ncoding = ["ollama-cloud/${MODEL}"]\n${routing}`;
    machine.configure(upstream.baseUrl, scene.keys, more);
    const [file, text] = agent.config;
    machine.write(`home/${file}`, text);
    const own = machine.folder.in(`home/${file}`);
    const env = { ...agent.env, [`OROUTER_${agent.name.toUpperCase()}`]: program };
    const run = await machine.run([orouterBinary(), agent.name, ...agent.words], { env });
    const now = await Bun.file(own).text();
    if (agent.rewritesConfig !== true) expect(now).toBe(text);
    expect(now).not.toContain("orouter");
    expect(machine.leftovers()).toEqual([]);
    expect(Object.keys(contentsOf(machine.project))).toEqual([]);
    return { run, calls: upstream.calls.filter((call) => call.dialect !== undefined && !call.isTitle) };
  } finally {
    await upstream.stop();
  }
}

function programOf({ name }: OtherAgent): string | undefined {
  return process.env[`OROUTER_TEST_${name.toUpperCase()}`] || undefined;
}

const SCENARIOS: Record<string, (agent: OtherAgent) => Promise<void>> = {
  "finishes a task with a tool although the first key is refused and the second is used up": async (
    agent,
  ) => {
    const used = { kind: "error", status: 429, body: { error: "weekly usage limit reached" } } as const;
    const { run, calls } = await play(
      agent,
      "chat",
      task(agent, (nth) => (nth === 1 ? unauthorized() : nth === 2 ? used : undefined)),
    );
    expect(run.stdout).toContain(DONE);
    expect(run.exitCode).toBe(0);
    expect(calls.map(({ nthOfAll }) => nthOfAll)).toHaveLength(4);
    expect(new Set(calls.slice(0, 3).map(({ keyName }) => keyName)).size).toBe(3);
    // A session keeps the key that answered.
    expect(calls[3]?.keyName).toBe(calls[2]?.keyName ?? "");
  },

  "does the same at a provider that speaks Responses": async (agent) => {
    const { run, calls } = await play(
      agent,
      "responses",
      task(agent, (nth) => (nth === 1 ? unauthorized() : undefined)),
    );
    expect(run.stdout).toContain(DONE);
    expect(calls).toHaveLength(3);
  },

  "goes on after a stall and a broken stream, and shows the answer once": async (agent) => {
    for (const how of ["stall", "reset"] as const) {
      let isBroken = false;
      const fault = (_nth: number, isLast: boolean): Reply | undefined => {
        if (!isLast || isBroken) return undefined;
        isBroken = true;
        return { kind: "answer", text: DONE, cut: { afterTokens: 3, how } };
      };
      const { run, calls } = await play(agent, "chat", task(agent, fault));
      expect(count(run.stdout, DONE)).toBe(1);
      expect(run.exitCode).toBe(0);
      expect(calls.length).toBeLessThanOrEqual(4);
    }
  },

  "shows our report once when every key is refused, and does not ask again": async (agent) => {
    const { run, calls } = await play(agent, "chat", () => unauthorized());
    expect(run.exitCode).not.toBe(0);
    expect(`${run.stdout}${run.stderr}`).toContain("[orouter] All 3 keys were rejected");
    expect(run.stderr).toContain("Summary: 3 keys failed.");
    expect(calls.map(({ keyName }) => keyName).toSorted()).toEqual(KEYS);
  },
};

for (const agent of AGENTS) {
  const program = programOf(agent);
  const names = Object.keys(SCENARIOS);
  if (program === undefined) {
    const variable = `OROUTER_TEST_${agent.name.toUpperCase()}`;
    process.stderr.write(`${names.length} scenarios not run with ${agent.name}: ${variable} names none\n`);
    continue;
  }
  for (const [name, run] of Object.entries(SCENARIOS))
    test(`${agent.name} ${name}`, () => run(agent), LIMIT_MS);
}
