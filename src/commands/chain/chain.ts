import type { Verb } from "../../cli/command.ts";
import { isInteractive } from "../../cli/talk.ts";
import { EXIT } from "../../core/problem.ts";

/** `orouter chain`: models that stand in for each other. In a terminal an editor, else the list. */
export const chainVerb: Verb = {
  name: "chain",
  about: "Build chains of models, see how they stand, and try them",
  examples: [
    { line: "orouter chain", does: "an editor of them in a terminal, else the list" },
    { line: "orouter chain add coding ollama-cloud/gpt-oss:120b", does: "the first model of a new chain" },
    { line: "orouter chain test coding", does: "one real request, and who answered it" },
  ],
  args: { json: { type: "boolean", description: "The list as JSON" } },
  run: async (args) => {
    const isJson = args["json"] === true;
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
      about: "Every chain with its models, what they can do, and how they stand now",
      load: async () => (await import("./chain-list.ts")).chainListVerb,
    },
    add: {
      about: "Add a model to a chain; a chain that is not there yet is made",
      load: async () => (await import("./chain-edits.ts")).chainAddVerb,
    },
    remove: {
      about: "Take a model out of a chain, or remove the whole chain",
      load: async () => (await import("./chain-edits.ts")).chainRemoveVerb,
    },
    move: {
      about: "Move a model within its chain",
      load: async () => (await import("./chain-edits.ts")).chainMoveVerb,
    },
    rename: {
      about: "Give a chain another name",
      load: async () => (await import("./chain-edits.ts")).chainRenameVerb,
    },
    fallback: {
      about: "Say what stands behind a single model",
      load: async () => (await import("./chain-edits.ts")).chainFallbackVerb,
    },
    test: {
      about: "Send one small request and see who is asked, and who answers",
      load: async () => (await import("./chain-test.ts")).chainTestVerb,
    },
  },
};
