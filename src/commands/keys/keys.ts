import { defineCommand } from "../../cli/command.ts";
import { isInteractive } from "../../cli/talk.ts";
import { EXIT } from "../../core/problem.ts";

export const keysCommand = defineCommand({
  name: "keys",
  about: "List, add and change keys",
  examples: [
    { line: "orouter keys", does: "an interactive menu, or the list if there is no terminal" },
    { line: "orouter keys add ollama-cloud", does: "add a key at a hidden prompt" },
    { line: "orouter keys test", does: "test all keys" },
  ],
  args: { json: { type: "boolean", description: "Print the list as JSON" } },
  run: async (args) => {
    if (args.json !== true && isInteractive() && process.stdout.isTTY === true) {
      const { openKeysMenu } = await import("./keys-menu.ts");
      await openKeysMenu();
      return EXIT.fine;
    }
    const { printKeys } = await import("./keys-list.ts");
    await printKeys(undefined, args.json === true);
    return EXIT.fine;
  },
  children: {
    list: {
      about: "List keys and their sources, never the secrets",
      aliases: ["ls"],
      load: async () => (await import("./keys-list.ts")).keysListCommand,
    },
    add: {
      about: "Add keys from a prompt, stdin or an environment variable",
      load: async () => (await import("./keys-add.ts")).keysAddCommand,
    },
    import: {
      about: "Import keys from a file, another tool or the environment",
      load: async () => (await import("./keys-import.ts")).keysImportCommand,
    },
    export: {
      about: "Export keys as JSON, without secrets by default",
      load: async () => (await import("./keys-export.ts")).keysExportCommand,
    },
    strategy: {
      about: "Show or set the order in which keys are used",
      load: async () => (await import("./keys-edit.ts")).keysStrategyCommand,
    },
    remove: {
      about: "Remove a key from keys.toml",
      aliases: ["rm", "delete"],
      load: async () => (await import("./keys-edit.ts")).keysRemoveCommand,
    },
    rename: {
      about: "Rename a key",
      load: async () => (await import("./keys-edit.ts")).keysRenameCommand,
    },
    enable: {
      about: "Enable a key",
      load: async () => (await import("./keys-edit.ts")).keysEnableCommand,
    },
    disable: {
      about: "Disable a key without removing it",
      load: async () => (await import("./keys-edit.ts")).keysDisableCommand,
    },
    reset: {
      about: "End cooldowns of all keys, one key or one model",
      load: async () => (await import("./keys-edit.ts")).keysResetCommand,
    },
    test: {
      about: "Test each key with one cheap call; exit 1 if one is refused",
      load: async () => (await import("./keys-test.ts")).keysTestCommand,
    },
  },
});
