import type { Verb, VerbEntry } from "../cli/command.ts";
import { VERSION_TEXT } from "../core/version.ts";
import { AGENTS, type AgentName } from "../harness/registry.ts";

/** A command for each coding agent. */
function agentEntries(): Record<string, VerbEntry> {
  const entries = Object.entries(AGENTS).map(([name, { about }]): [string, VerbEntry] => [
    name,
    { about, load: async () => (await import("./agent-verb.ts")).agentVerb(name as AgentName) },
  ]);
  return Object.fromEntries(entries);
}

/** The list of commands. Each is loaded only when it is called. */
export const rootVerb: Verb = {
  name: "orouter",
  about: `orouter ${VERSION_TEXT} runs opencode so that it never stops because of a key or a model`,
  examples: [
    { line: "orouter opencode", does: "opencode behind the router" },
    { line: "orouter keys add ollama-cloud", does: "add a key (asked for, never an argument)" },
    { line: "orouter demo", does: "see it work with keys that fail, without any account" },
  ],
  args: { version: { type: "boolean", alias: "v", description: "Which orouter this is" } },
  run: undefined,
  children: {
    ...agentEntries(),
    setup: {
      about: "Choose services, paste keys, pick models: questions, then the files are written",
      load: async () => (await import("./setup/setup.ts")).setupVerb,
    },
    keys: {
      about: "List, add and change keys",
      load: async () => (await import("./keys/keys.ts")).keysVerb,
    },
    models: {
      about: "List models with their limits, and keep the lists fresh",
      load: async () => (await import("./models/models.ts")).modelsVerb,
    },
    chain: {
      about: "Build chains of models, see how they stand, and try them",
      load: async () => (await import("./chain/chain.ts")).chainVerb,
    },
    config: {
      about: "Show, change and check the configuration",
      load: async () => (await import("./config/config.ts")).configVerb,
    },
    serve: {
      about: "The proxy alone, for any other client",
      load: async () => (await import("./serve.ts")).serveVerb,
    },
    status: {
      about: "Who is ready, who rests until when, and the last requests",
      load: async () => (await import("./status/status.ts")).statusVerb,
    },
    bench: {
      about: "Measure models: time to the first token, tokens per second",
      load: async () => (await import("./bench/bench.ts")).benchVerb,
    },
    logs: {
      about: "The requests of the last days, each with what was tried",
      load: async () => (await import("./logs/logs.ts")).logsVerb,
    },
    doctor: {
      about: "Find what is wrong and how to mend it",
      load: async () => (await import("./doctor/doctor.ts")).doctorVerb,
    },
    demo: {
      about: "opencode against a scripted provider whose keys fail",
      load: async () => (await import("./demo/demo.ts")).demoVerb,
    },
    completions: {
      about: "Let your shell complete commands and flags",
      load: async () => (await import("./completions/completions.ts")).completionsVerb(rootVerb),
    },
    uninstall: {
      about: "Remove orouter's files after asking",
      load: async () => (await import("./uninstall/uninstall.ts")).uninstallVerb,
    },
  },
};
