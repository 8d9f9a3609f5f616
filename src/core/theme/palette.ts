/** The colours of accent, good, warn, bad and muted, dark and light. */
type Row = readonly [dark: string, light: string];

/** opencode's own themes as of version 1.18; text keeps the terminal's own colour. */
const ROWS: Readonly<Record<string, Row>> = {
  aura: ["a277ff 61ffca ffca85 ff6767 6d6d6d", "a277ff 61ffca ffca85 ff6767 6d6d6d"],
  ayu: ["59c2ff 7fd962 e6b673 d95757 565b66", "59c2ff 7fd962 e6b673 d95757 565b66"],
  carbonfox: ["33b1ff 25be6a f1c21b ee5396 7d848f", "0043ce 198038 007d79 9f1853 6f6f6f"],
  catppuccin: ["89b4fa a6e3a1 f9e2af f38ba8 9399b2", "1e66f5 40a02b df8e1d d20f39 7c7f93"],
  "catppuccin-frappe": ["8da4e2 a6d189 e5c890 e78284 949cb8", "8da4e2 a6d189 e5c890 e78284 949cb8"],
  "catppuccin-macchiato": ["8aadf4 a6da95 eed49f ed8796 939ab7", "8aadf4 a6da95 eed49f ed8796 939ab7"],
  cobalt2: ["0088ff 9eff80 ffc600 ff0088 adb7c9", "0066cc 4caf50 ff9800 e91e63 5c6b7d"],
  cursor: ["88c0d0 3fa266 f1b467 e34671 636363", "6f9ba6 1f8a65 db704b cf2d56 5f5f5f"],
  dracula: ["bd93f9 50fa7b f1fa8c ff5555 6272a4", "bd93f9 50fa7b f1fa8c ff5555 6272a4"],
  everforest: ["a7c080 a7c080 e69875 e67e80 7a8478", "8da101 8da101 f57d26 f85552 a6b0a0"],
  flexoki: ["da702c 879a39 da702c d14d41 6f6e69", "205ea6 66800b bc5215 af3029 6f6e69"],
  github: ["58a6ff 3fb950 e3b341 f85149 8b949e", "0969da 1a7f37 9a6700 cf222e 57606a"],
  gruvbox: ["83a598 b8bb26 fe8019 fb4934 928374", "076678 79740e af3a03 9d0006 7c6f64"],
  kanagawa: ["7e9cd8 98bb6c d7a657 e82424 727169", "2d4f67 98bb6c d7a657 e82424 9e9389"],
  "lucent-orng": ["ec5b2b 6ba1e6 ec5b2b e06c75 808080", "ec5b2b 0062d1 ec5b2b d1383d 8a8a8a"],
  material: ["82aaff c3e88d ffcb6b f07178 546e7a", "6182b8 91b859 ffb300 e53935 90a4ae"],
  matrix: ["2eff6a 62ff94 e6ff57 ff4b4b 8ca391", "1cc24b 1cc24b e6ff57 ff4b4b 748476"],
  mercury: ["8da4f5 77c599 fc9b6f fc92b4 9d9da8", "5266eb 036e43 a44200 b0175f 70707d"],
  monokai: ["66d9ef a6e22e e6db74 f92672 75715e", "66d9ef a6e22e fd971f f92672 75715e"],
  nightowl: ["82aaff c5e478 ecc48d ef5350 5f7e97", "82aaff c5e478 ecc48d ef5350 5f7e97"],
  nord: ["88c0d0 a3be8c d08770 bf616a 8b95a7", "5e81ac a3be8c d08770 bf616a 3b4252"],
  "one-dark": ["61afef 98c379 e5c07b e06c75 5c6370", "4078f2 50a14f c18401 e45649 a0a1a7"],
  opencode: ["fab283 7fd88f f5a742 e06c75 808080", "3b7dd8 3d9a57 d68c27 d1383d 8a8a8a"],
  orng: ["ec5b2b 6ba1e6 ec5b2b e06c75 808080", "ec5b2b 0062d1 ec5b2b d1383d 8a8a8a"],
  "osaka-jade": ["2dd5b7 549e6a e5c736 ff5345 53685b", "1faa90 3d7a52 b5a020 c7392d 53685b"],
  palenight: ["82aaff c3e88d ffcb6b f07178 676e95", "4976eb 91b859 ffb300 e53935 8796b0"],
  rosepine: ["9ccfd8 31748f f6c177 eb6f92 6e6a86", "31748f 286983 ea9d34 b4637a 9893a5"],
  solarized: ["268bd2 859900 b58900 dc322f 586e75", "268bd2 859900 b58900 dc322f 93a1a1"],
  synthwave84: ["36f9f6 72f1b8 fede5d fe4450 848bbd", "00bcd4 4caf50 ff9800 f44336 5c5c8a"],
  tokyonight: ["82aaff c3e88d ff966c ff757f 828bb8", "2e7de9 587539 b15c00 f52a65 8990a3"],
  vercel: ["0070f3 46a758 ffb224 e5484d 878787", "0070f3 388e3c ff9500 dc3545 666666"],
  vesper: ["ffc799 99ffe4 ffc799 ff8080 a0a0a0", "ffc799 99ffe4 ffc799 ff8080 a0a0a0"],
  zenburn: ["8cd0d3 7f9f7f f0dfaf cc9393 9f9f9f", "5f7f8f 5f8f5f 8f8f5f 8f5f5f 6f6f6f"],
};

export type Mode = "dark" | "light";

export interface Palette {
  accent: string;
  good: string;
  warn: string;
  bad: string;
  muted: string;
}

/** Undefined for `system` and for the user's own themes. */
export function paletteOf(theme: string, mode: Mode): Palette | undefined {
  const row = Object.hasOwn(ROWS, theme) ? ROWS[theme] : undefined;
  if (row === undefined) return undefined;
  const [accent = "", good = "", warn = "", bad = "", muted = ""] = row[mode === "dark" ? 0 : 1].split(" ");
  return { accent, good, warn, bad, muted };
}

/** How many colours a terminal shows: its own sixteen, a fixed table of 256, or any. */
export type ColourDepth = 16 | 256 | "any";

/** Without a palette, or with few colours, use the terminal's own scheme. */
const OWN_CODES: Record<keyof Palette, string> = {
  accent: "36",
  good: "32",
  warn: "33",
  bad: "31",
  muted: "90",
};

/** The parameters of an SGR escape sequence. */
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

/** The steps of the cube of 6 × 6 × 6 colours; the grey ramp after it goes from 8 in steps of 10. */
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
