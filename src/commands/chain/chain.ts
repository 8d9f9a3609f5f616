import { defineCommand } from "../../cli/command.ts";
import { isInteractive } from "../../cli/talk.ts";
import { EXIT } from "../../core/problem.ts";

export const chainCommand = defineCommand({
  name: "chain",
  about: "Create, edit and test chains of models",
  examples: [
    { line: "orouter chain", does: "an interactive editor, or the list if there is no terminal" },
    { line: "orouter chain add coding ollama-cloud/gpt-oss:120b", does: "create a chain with one model" },
    { line: "orouter chain test coding", does: "send one real request" },
  ],
  args: { json: { type: "boolean", description: "Print the list as JSON" } },
  run: async (args) => {
    const isJson = args.json === true;
    if (!isJson && isInteractive() && process.stdout.isTTY === true) {
      const { editChains } = await import("./chain-editor.ts");
      await editChains();
    } else {
      const { printChains } = await import("./chain-list.ts");
      await printChains(isJson);
    }
    return EXIT.fine;
  },
  children: {
    list: {
      about: "List chains with their models and the state of each",
      aliases: ["ls"],
      load: async () => (await import("./chain-list.ts")).chainListCommand,
    },
    add: {
      about: "Add a model to a chain, creating the chain if needed",
      load: async () => (await import("./chain-edits.ts")).chainAddCommand,
    },
    remove: {
      about: "Remove a model from a chain, or the whole chain",
      aliases: ["rm", "delete"],
      load: async () => (await import("./chain-edits.ts")).chainRemoveCommand,
    },
    move: {
      about: "Move a model within its chain",
      load: async () => (await import("./chain-edits.ts")).chainMoveCommand,
    },
    rename: {
      about: "Rename a chain everywhere it is used",
      load: async () => (await import("./chain-edits.ts")).chainRenameCommand,
    },
    fallback: {
      about: "Set the fallback of a single model",
      load: async () => (await import("./chain-edits.ts")).chainFallbackCommand,
    },
    test: {
      about: "Send one request and show the route; exit 1 if none answers",
      load: async () => (await import("./chain-test.ts")).chainTestCommand,
    },
  },
});
