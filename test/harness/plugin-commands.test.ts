import { expect, test } from "bun:test";
import * as opencode1 from "../../src/harness/plugin/host1.ts";
import * as opencode2 from "../../src/harness/plugin/host2.ts";
import type { Command } from "../../src/harness/plugin/plugin.ts";
import { solid } from "./solid.ts";

const COMMANDS = [
  ["orouter.status", "orouter"],
  ["orouter.keys", "keys"],
  ["orouter.cooldowns", undefined],
  ["orouter.reset", undefined],
  ["orouter.chain", "chain"],
];

/** The keymap of opencode 1, with keys that the user has bound. */
function keymap1(taken: readonly string[]) {
  const layers: opencode1.KeymapLayer[] = [];
  const tokens: { name: string; key: string }[] = [];
  const api: Pick<opencode1.TuiApi, "keymap" | "tuiConfig"> = {
    keymap: {
      registerLayer: (layer) => layers.push(layer),
      registerToken: (token) => tokens.push(token),
    },
    tuiConfig: { keybinds: { bindings: taken.map((key) => ({ key })) } },
  };
  return { api, layers, tokens };
}

const keysOf = (layers: readonly opencode1.KeymapLayer[]): string[] =>
  layers.flatMap(({ bindings = [] }) => bindings.map(({ key }) => key));

test("opencode 1: the commands are in the palette, some as slash commands, and have keys", () => {
  const { api, layers, tokens } = keymap1(["<leader>s", "ctrl+o"]);
  opencode1.registerCommands(api, "<leader>o", () => {});
  const commands = layers.flatMap((layer) => layer.commands ?? []);
  expect(commands.map(({ name, slashName }) => [name, slashName])).toEqual(COMMANDS);
  expect(commands.map(({ namespace }) => namespace)).toEqual(Array(5).fill("palette"));
  expect(keysOf(layers)).toEqual(["<leader>os", "<leader>om", "<leader>ob", "<leader>or", "<leader>of"]);
  expect(tokens).toEqual([]);
});

test("opencode 1: the keys of other layers win", () => {
  const { api, layers } = keymap1([]);
  opencode1.registerCommands(api, "<leader>o", () => {});
  expect(layers.find(({ bindings }) => bindings !== undefined)?.priority).toBeLessThan(0);
});

test("opencode 1: a prefix that is not a named key gets a name", () => {
  const { api, layers, tokens } = keymap1([]);
  opencode1.registerCommands(api, "alt+o", () => {});
  expect(tokens).toEqual([{ name: "alt+o", key: "alt+o" }]);
  expect(keysOf(layers)[0]).toBe("<alt+o>s");
});

test.each<[name: string, prefix: string, taken: string[]]>([
  ["the prefix is none", "none", []],
  ["the user has bound the prefix", "<leader>o", ["<leader>o"]],
  ["the user has bound it as one of several keys", "<leader>o", ["ctrl+t, <leader>o"]],
])("opencode 1: no keys where %s", (_name, prefix, taken) => {
  const { api, layers } = keymap1(taken);
  opencode1.registerCommands(api, prefix, () => {});
  expect(keysOf(layers)).toEqual([]);
  expect(layers.flatMap((layer) => layer.commands ?? [])).toHaveLength(5);
});

/** The keymap of opencode 2, with commands of other plugins and their keys. */
function keymap2(others: Readonly<Record<string, string>> = {}) {
  const layers: (() => opencode2.KeymapLayer)[] = [];
  const modes: string[] = ["base"];
  const commands = () => layers.flatMap((layer) => layer().commands);
  const keymap: opencode2.Keymap = {
    layer: (layer) => layers.push(layer),
    mode: {
      current: () => modes.at(-1) ?? "",
      push: (mode) => {
        modes.push(mode);
        return () => {
          if (modes.includes(mode)) modes.splice(modes.indexOf(mode), 1);
        };
      },
    },
    commands: () =>
      [...Object.keys(others), ...commands().flatMap(({ id }) => id ?? [])].map((id) => ({ id })),
    shortcuts: (id) => {
      const bound = commands().find((command) => command.id === id)?.bind;
      const typed = bound?.replace("<leader>", "ctrl+x ").replace(/(\w)$/, " $1");
      return [others[id], typed].filter((keys) => keys !== undefined);
    },
  };
  return { keymap, layers, modes, commands };
}

test("opencode 2: the commands are in the palette, some as slash commands, and have keys behind all others", () => {
  const { keymap, layers, commands } = keymap2({ "session.new": "ctrl+x n" });
  opencode2.registerCommands(keymap, solid(), "<leader>o", () => {});
  expect(commands().map(({ id, slash }) => [id, slash?.name])).toEqual(COMMANDS);
  expect(commands().map(({ palette, bind }) => [palette, bind])).toEqual(
    ["s", "m", "b", "r", "f"].map((letter) => [true, `<leader>o${letter}`]),
  );
  expect(layers[0]?.().priority).toBeLessThan(0);
});

test.each<[name: string, prefix: string, others: Record<string, string>]>([
  ["the prefix is none", "none", {}],
  ["another command has the prefix as its key", "<leader>o", { "session.new": "ctrl+x o" }],
])("opencode 2: no keys where %s", (_name, prefix, others) => {
  const { keymap, commands } = keymap2(others);
  opencode2.registerCommands(keymap, solid(), prefix, () => {});
  expect(commands().map(({ bind }) => bind)).toEqual(Array(5).fill(undefined));
});

test("opencode 2: behind a plain key the next letter is a command", () => {
  const { keymap, layers, modes } = keymap2();
  const opened: string[] = [];
  opencode2.registerCommands(keymap, solid(), "alt+o", (command: Command) => opened.push(command.id));
  const press = (key: string): void => {
    const layer = layers.map((make) => make()).find(({ mode }) => mode === keymap.mode.current());
    layer?.commands.find(({ bind }) => bind === key)?.run();
  };
  press("m");
  expect(opened).toEqual([]);
  press("alt+o");
  press("m");
  expect(opened).toEqual(["orouter.keys"]);
  expect(modes).toEqual(["base"]);
  press("alt+o");
  press("escape");
  press("m");
  expect(opened).toEqual(["orouter.keys"]);
});
