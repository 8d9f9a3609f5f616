import { expect, test } from "bun:test";
import { THEMES } from "../../../src/core/settings/schema.ts";
import { colourCode, type Palette, paletteOf } from "../../../src/core/theme/palette.ts";

const MODES = ["dark", "light"] as const;

test("every theme of the settings has all its colours, in the dark and in the light", () => {
  for (const theme of THEMES) {
    for (const mode of MODES) {
      const palette = paletteOf(theme, mode);
      if (palette === undefined) throw new Error(`no palette ${theme}`);
      expect(Object.keys(palette)).toEqual(["accent", "good", "warn", "bad", "muted"]);
      for (const colour of Object.values(palette)) expect(colour, theme).toMatch(/^[0-9a-f]{6}$/);
    }
  }
});

test("themes of opencode that cannot be chosen here are known too, and a user's own is not", () => {
  expect(paletteOf("catppuccin-macchiato", "dark")?.good).toBe("a6da95");
  expect(paletteOf("nord", "light")).not.toEqual(paletteOf("nord", "dark"));
  for (const name of ["system", "mine", "constructor"]) expect(paletteOf(name, "dark")).toBeUndefined();
});

const PALETTE: Palette = { accent: "ff0000", good: "5fd787", warn: "eeeeee", bad: "010203", muted: "808080" };

test.each<[role: keyof Palette, any: string, of256: string, of16: string]>([
  ["accent", "38;2;255;0;0", "38;5;196", "36"],
  ["good", "38;2;95;215;135", "38;5;78", "32"],
  ["warn", "38;2;238;238;238", "38;5;255", "33"],
  ["bad", "38;2;1;2;3", "38;5;16", "31"],
  ["muted", "38;2;128;128;128", "38;5;244", "90"],
])("%s is set as the terminal can show it", (role, any, of256, of16) => {
  expect(colourCode(role, PALETTE, "any")).toBe(any);
  expect(colourCode(role, PALETTE, 256)).toBe(of256);
  expect(colourCode(role, PALETTE, 16)).toBe(of16);
  expect(colourCode(role, undefined, "any")).toBe(of16);
});
