import { opencodePlace } from "../config/opencode-configs.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type ColourDepth, colourCode, type Mode, type Palette, paletteOf } from "../core/theme/palette.ts";
import { chosenTheme } from "../harness/opencode/chosen-model.ts";

export function isColoured(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

export type Tone = keyof Palette | "strong";

/** Paints text by its meaning; without colours the text stays as it is. */
export type Paint = Readonly<Record<Tone, (text: string) => string>>;

type Env = Readonly<Record<string, string | undefined>>;

const asItIs = (text: string): string => text;

export const PLAIN_PAINT: Paint = {
  accent: asItIs,
  good: asItIs,
  warn: asItIs,
  bad: asItIs,
  muted: asItIs,
  strong: asItIs,
};

export function paintFor(
  stream: { isTTY?: boolean },
  theme: Settings["theme"],
  env: Env = process.env,
): Paint {
  if (!isColoured(stream, env)) return PLAIN_PAINT;
  const own = theme === "opencode" ? chosenTheme(opencodePlace(env)) : { theme, mode: undefined };
  return paintOf(paletteOf(own.theme, own.mode ?? backgroundOf(env)), colourDepth(env));
}

/** Without a palette, uses the terminal's own colours. */
export function paintOf(palette: Palette | undefined, depth: ColourDepth): Paint {
  const painter = (role: keyof Palette) => {
    const code = colourCode(role, palette, depth);
    return (text: string): string => (text === "" ? "" : `\x1b[${code}m${text}\x1b[39m`);
  };
  return {
    accent: painter("accent"),
    good: painter("good"),
    warn: painter("warn"),
    bad: painter("bad"),
    muted: painter("muted"),
    strong: (text) => (text === "" ? "" : `\x1b[1m${text}\x1b[22m`),
  };
}

/** These terminals show every colour, but some do not announce it over ssh. */
const MANY_COLOURS = /direct|kitty|ghostty|alacritty|wezterm/;

export function colourDepth(env: Env): ColourDepth {
  const { COLORTERM: kind = "", TERM: name = "" } = env;
  if (/truecolor|24bit/i.test(kind) || MANY_COLOURS.test(name)) return "any";
  return name.includes("256") ? 256 : 16;
}

/** COLORFGBG is like "15;0": the last number is the background, and 7 and 15 are light. */
function backgroundOf(env: Env): Mode {
  const background = env["COLORFGBG"]?.split(";").at(-1);
  return background === "7" || background === "15" ? "light" : "dark";
}
