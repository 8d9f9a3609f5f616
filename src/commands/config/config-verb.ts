import type { Verb } from "../../cli/verb.ts";

/** `orouter config`: where the settings are, what they say, and whether they are right. */
export const configVerb: Verb = {
  name: "config",
  about: "Show, change and check the configuration",
  examples: [
    { line: "orouter config path", does: "the files and folders that are used" },
    { line: "orouter config show", does: "the settings in force" },
    { line: "orouter config set routing.strategy round-robin", does: "change one of them" },
    { line: "orouter config check", does: "whether the files are right" },
  ],
  args: {},
  run: undefined,
  children: {
    path: {
      about: "The files and folders that are used, and whether they exist",
      load: async () => (await import("./config-path.ts")).configPathVerb,
    },
    show: {
      about: "The settings in force, and which of them come from config.toml",
      load: async () => (await import("./config-show.ts")).configShowVerb,
    },
    get: {
      about: "One setting as it holds now, and whether config.toml says so",
      load: async () => (await import("./config-get.ts")).configGetVerb,
    },
    set: {
      about: "Change one setting in config.toml; comments and order stay",
      load: async () => (await import("./config-set.ts")).configSetVerb,
    },
    check: {
      about: "Whether config.toml and keys.toml are right; exit 3 and the place if not",
      load: async () => (await import("./config-check.ts")).configCheckVerb,
    },
    opencode: {
      about: "Write a provider into opencode's own config; everything else in it stays",
      load: async () => (await import("./config-opencode.ts")).configOpencodeVerb,
    },
  },
};
