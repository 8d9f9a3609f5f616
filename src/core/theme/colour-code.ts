import type { Palette } from "./palette.ts";

/** How many colours a terminal shows: its own sixteen, a fixed table of 256, or any. */
export type ColourDepth = 16 | 256 | "any";

/** Without a palette, or with few colours, the terminal's own scheme says it. */
const OWN_CODES: Record<keyof Palette, string> = {
  accent: "36",
  good: "32",
  warn: "33",
  bad: "31",
  muted: "90",
};

/** The parameters of the escape sequence that sets a palette's colour. */
export function colourCode(role: keyof Palette, palette: Palette | undefined, depth: ColourDepth): string {
  if (palette === undefined || depth === 16) return OWN_CODES[role];
  const rgb = channelsOf(palette[role]);
  return depth === "any" ? `38;2;${rgb.join(";")}` : `38;5;${nearestOf256(rgb)}`;
}

type Rgb = readonly [red: number, green: number, blue: number];

function channelsOf(hex: string): Rgb {
  const channel = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16);
  return [channel(0), channel(2), channel(4)];
}

/** The steps of the cube of 6 × 6 × 6 colours; the grey ramp behind it goes from 8 in steps of 10. */
const CUBE = [0, 95, 135, 175, 215, 255];
const CUBE_AT = 16;
const GREY_AT = 232;
const GREYS = 24;

function nearestOf256(rgb: Rgb): number {
  const [red, green, blue] = rgb.map(cubeStep) as [number, number, number];
  const cube: Rgb = [CUBE[red] ?? 0, CUBE[green] ?? 0, CUBE[blue] ?? 0];
  const average = (rgb[0] + rgb[1] + rgb[2]) / 3;
  const grey = Math.min(GREYS - 1, Math.max(0, Math.round((average - 8) / 10)));
  const level = 8 + grey * 10;
  return distance(rgb, cube) <= distance(rgb, [level, level, level])
    ? CUBE_AT + 36 * red + 6 * green + blue
    : GREY_AT + grey;
}

function cubeStep(channel: number): number {
  const far = CUBE.map((step) => Math.abs(step - channel));
  return far.indexOf(Math.min(...far));
}

function distance(a: Rgb, b: Rgb): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}
