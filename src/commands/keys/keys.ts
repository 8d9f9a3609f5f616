import type { Verb } from "../../cli/command.ts";
import { isInteractive } from "../../cli/talk.ts";
import { EXIT } from "../../core/problem.ts";

/** `orouter keys`: the keys, and what can be done with them. */
export const keysVerb: Verb = {
  name: "keys",
  about: "List, add and change keys",
  examples: [
    { line: "orouter keys", does: "a menu of them in a terminal, else the list" },
    { line: "orouter keys add ollama-cloud", does: "add a key; it is asked for and not shown" },
    { line: "orouter keys test", does: "try each of them" },
  ],
  args: { json: { type: "boolean", description: "The list as JSON" } },
  run: async (args) => {
    if (args["json"] !== true && isInteractive() && process.stdout.isTTY === true) {
      const { openKeysMenu } = await import("./keys-menu.ts");
      await openKeysMenu();
      return EXIT.fine;
    }
    const { printKeys } = await import("./keys-list.ts");
    await printKeys(undefined, args["json"] === true);
    return EXIT.fine;
  },
  children: {
    list: {
      about: "List the keys and where they come from, never the keys themselves",
      load: async () => (await import("./keys-list.ts")).keysListVerb,
    },
    add: {
      about: "Add keys to a provider: asked for, piped in, or by a variable's name",
      load: async () => (await import("./keys-add.ts")).keysAddVerb,
    },
    import: {
      about: "Take keys over from a file, an older tool, the environment or opencode",
      load: async () => (await import("./keys-import.ts")).keysImportVerb,
    },
    export: {
      about: "Write the keys as JSON, without the secrets unless asked for",
      load: async () => (await import("./keys-export.ts")).keysExportVerb,
    },
    strategy: {
      about: "Show or set the order in which healthy keys are used",
      load: async () => (await import("./keys-edit.ts")).keysStrategyVerb,
    },
    remove: {
      about: "Remove a key from keys.toml",
      load: async () => (await import("./keys-edit.ts")).keysRemoveVerb,
    },
    rename: {
      about: "Give a key another name",
      load: async () => (await import("./keys-edit.ts")).keysRenameVerb,
    },
    enable: {
      about: "Use a key again",
      load: async () => (await import("./keys-edit.ts")).keysEnableVerb,
    },
    disable: {
      about: "Keep a key, but do not use it",
      load: async () => (await import("./keys-edit.ts")).keysDisableVerb,
    },
    reset: {
      about: "End the rests of all keys, of one key, or of a model: they are tried again at once",
      load: async () => (await import("./keys-reset.ts")).keysResetVerb,
    },
    test: {
      about: "Try each key with one cheap call",
      load: async () => (await import("./keys-test.ts")).keysTestVerb,
    },
  },
};
