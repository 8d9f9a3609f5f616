import { expect, test } from "bun:test";
import { registerCommands } from "../../src/harness/plugin/commands.ts";
import type { KeymapLayer, TuiApi } from "../../src/harness/plugin/tui-api.ts";

/** opencode's keymap, with what the user has bound already. */
function hostKeymap(taken: readonly string[]) {
  const layers: KeymapLayer[] = [];
  const tokens: { name: string; key: string }[] = [];
  const api: Pick<TuiApi, "keymap" | "tuiConfig"> = {
    keymap: {
      registerLayer: (layer) => layers.push(layer),
      registerToken: (token) => tokens.push(token),
    },
    tuiConfig: { keybinds: { bindings: taken.map((key) => ({ key })) } },
  };
  return { api, layers, tokens };
}

const keysOf = (layers: readonly KeymapLayer[]): string[] =>
  layers.flatMap(({ bindings = [] }) => bindings.map(({ key }) => key));

test("the commands are in the palette, some as slash commands, and under their keys", () => {
  const { api, layers, tokens } = hostKeymap(["<leader>s", "ctrl+o"]);
  registerCommands(api, "<leader>o", () => {});
  const commands = layers.flatMap((layer) => layer.commands ?? []);
  expect(commands.map(({ namespace, slashName }) => [namespace, slashName])).toEqual([
    ["palette", "orouter"],
    ["palette", "keys"],
    ["palette", undefined],
    ["palette", undefined],
    ["palette", "chain"],
  ]);
  expect(keysOf(layers)).toEqual(["<leader>os", "<leader>om", "<leader>ob", "<leader>or", "<leader>of"]);
  expect(tokens).toEqual([]);
});

test("keys that somebody else has bound too are theirs: ours come after all others", () => {
  const { api, layers } = hostKeymap([]);
  registerCommands(api, "<leader>o", () => {});
  expect(layers.find(({ bindings }) => bindings !== undefined)?.priority).toBeLessThan(0);
});

test("a prefix that is no named key is given a name", () => {
  const { api, layers, tokens } = hostKeymap([]);
  registerCommands(api, "alt+o", () => {});
  expect(tokens).toEqual([{ name: "alt+o", key: "alt+o" }]);
  expect(keysOf(layers)[0]).toBe("<alt+o>s");
});

test.each<[name: string, prefix: string, taken: string[]]>([
  ["none is wanted", "none", []],
  ["the prefix itself is a command of the user's", "<leader>o", ["<leader>o"]],
  ["it is one of several keys of such a command", "<leader>o", ["ctrl+t, <leader>o"]],
])("there are no keys where %s", (_name, prefix, taken) => {
  const { api, layers } = hostKeymap(taken);
  registerCommands(api, prefix, () => {});
  expect(keysOf(layers)).toEqual([]);
  expect(layers.flatMap((layer) => layer.commands ?? [])).toHaveLength(5);
});
