import { type ArgDefs, type Command, type CommandEntry, defineCommand } from "../cli/command.ts";
import { helpText } from "../cli/run-command.ts";
import { isInteractive, out, outJson } from "../cli/talk.ts";
import { EXIT } from "../core/problem.ts";
import { VERSION, VERSION_TEXT } from "../core/version.ts";
import { AGENTS, type AgentName } from "../harness/registry.ts";
import type { ChildEnd } from "../harness/run/child.ts";
import { type CommandContext, noKey, readContext } from "./context.ts";

const VERSION_ARGS = {
  json: { type: "boolean", description: 'Print {"version"}' },
} satisfies ArgDefs;

const versionCommand = defineCommand({
  name: "version",
  about: "Print the version",
  examples: [{ line: "orouter version", does: "the release and the commit it was built from" }],
  args: VERSION_ARGS,
  run: async (args) => {
    if (args.json === true) outJson({ version: VERSION });
    else out(`orouter ${VERSION_TEXT}`);
    return EXIT.fine;
  },
  children: {},
});

function agentEntries(): Record<string, CommandEntry> {
  const entries = Object.entries(AGENTS).map(([name, { about }]): [string, CommandEntry] => [
    name,
    { about, load: async () => agentCommand(name as AgentName) },
  ]);
  return Object.fromEntries(entries);
}

/** Each command is loaded only when it is called. */
export const rootCommand: Command = defineCommand({
  name: "orouter",
  about: "Run opencode so that no failing key or model stops it",
  examples: [
    { line: "orouter opencode", does: "opencode behind the router" },
    { line: "orouter keys add ollama-cloud", does: "add a key at a hidden prompt" },
    { line: "orouter demo", does: "see it work without an account" },
  ],
  args: { version: { type: "boolean", alias: "v", description: "Print the version" } },
  run: undefined,
  children: {
    ...agentEntries(),
    exec: {
      about: "Run any program behind the router, by OPENAI_BASE_URL",
      load: async () => (await import("./exec.ts")).execCommand,
    },
    setup: {
      about: "Set up services, keys and chains interactively",
      load: async () => (await import("./setup/setup.ts")).setupCommand,
    },
    keys: {
      about: "List, add and change keys",
      load: async () => (await import("./keys/keys.ts")).keysCommand,
    },
    models: {
      about: "List models and refresh the model lists",
      load: async () => (await import("./models/models.ts")).modelsCommand,
    },
    chain: {
      about: "Create, edit and test chains of models",
      load: async () => (await import("./chain/chain.ts")).chainCommand,
    },
    config: {
      about: "Show, change and check the configuration",
      load: async () => (await import("./config/config.ts")).configCommand,
    },
    serve: {
      about: "Run the proxy for any other client until it is stopped",
      load: async () => (await import("./serve.ts")).serveCommand,
    },
    clients: {
      about: "List, add and remove named clients of orouter serve",
      load: async () => (await import("./clients.ts")).clientsCommand,
    },
    status: {
      about: "Show runs, keys, cooldowns, chains and recent requests",
      load: async () => (await import("./status/status.ts")).statusCommand,
    },
    quota: {
      about: "Show what is left on each key, and until when",
      load: async () => (await import("./quota/quota.ts")).quotaCommand,
    },
    simulate: {
      about: "Replay recent requests with another config or other keys",
      load: async () => (await import("./simulate/simulate.ts")).simulateCommand,
    },
    bench: {
      about: "Measure time to first token and tokens per second of models",
      load: async () => (await import("./bench/bench.ts")).benchCommand,
    },
    logs: {
      about: "Show recent requests and the keys and models they tried",
      load: async () => (await import("./logs/logs.ts")).logsCommand,
    },
    doctor: {
      about: "Find problems and their fixes; exit 1 if there are any",
      load: async () => (await import("./doctor/doctor.ts")).doctorCommand,
    },
    demo: {
      about: "Run opencode against a scripted provider whose keys fail",
      load: async () => (await import("./demo/demo.ts")).demoCommand,
    },
    completions: {
      about: "Print a shell completion script",
      load: async () => (await import("./completions/completions.ts")).completionsCommand(rootCommand),
    },
    version: {
      about: "Print the version",
      load: async () => versionCommand,
    },
    uninstall: {
      about: "Remove orouter's files, asking separately about keys",
      load: async () => (await import("./uninstall/uninstall.ts")).uninstallCommand,
    },
  },
});

/** For help and completion only: the arguments of an agent are never parsed here. */
function agentCommand(name: AgentName): Command {
  const { about, examples } = AGENTS[name];
  return defineCommand({
    name,
    about,
    examples,
    args: name === "claude" ? CLAUDE_ARGS : { model: { ...MODEL_ARG, alias: "m" } },
    rest: true,
    run: async (args) => {
      const { runAgent } = await import("./run-agent.ts");
      return (await runAgent(name, args._)).exitCode;
    },
    children: {},
  });
}

const MODEL_ARG = {
  type: "string",
  description: "Start with this model; a chain is orouter/NAME",
  valueHint: "PROVIDER/MODEL",
  offers: { names: ["picks"] },
} as const;

const CLAUDE_ARGS = {
  model: MODEL_ARG,
  print: { type: "boolean", alias: "p", description: "Print the answer to one prompt and exit" },
} satisfies ArgDefs;

const FINE: ChildEnd = { exitCode: EXIT.fine, signal: undefined };

/** `orouter` without arguments: setup if there is no key, else help. */
export async function runAlone(): Promise<ChildEnd> {
  const context = await readContext();
  if (context.keys.length > 0) {
    out(helpText(rootCommand, [rootCommand.name]));
    return FINE;
  }
  if (!isInteractive()) throw noKey(0);
  if (!(await setUpAndAsk(context))) return FINE;
  const { runAgent } = await import("./run-agent.ts");
  return await runAgent("opencode", []);
}

async function setUpAndAsk(context: CommandContext): Promise<boolean> {
  const [{ runSetup }, { askYes }, { holdKeyboard }] = await Promise.all([
    import("./setup/setup.ts"),
    import("../cli/ask.ts"),
    import("../cli/keyboard.ts"),
  ]);
  using _held = holdKeyboard();
  const guide = await runSetup(context);
  const isWanted = await askYes("Start opencode now?", true);
  guide.end(isWanted ? "Starting opencode." : "Start it later: orouter opencode");
  return isWanted;
}
