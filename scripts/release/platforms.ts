/** A machine we build for: Bun's name of it, npm's words for it, and what `uname` says there. */
export interface Platform {
  name: string;
  target: string;
  os: "linux" | "darwin" | "win32";
  cpu: "x64" | "arm64";
  libc?: "glibc" | "musl";
}

export const PLATFORMS: readonly Platform[] = [
  { name: "linux-x64", target: "bun-linux-x64", os: "linux", cpu: "x64", libc: "glibc" },
  { name: "linux-arm64", target: "bun-linux-arm64", os: "linux", cpu: "arm64", libc: "glibc" },
  { name: "linux-x64-musl", target: "bun-linux-x64-musl", os: "linux", cpu: "x64", libc: "musl" },
  { name: "linux-arm64-musl", target: "bun-linux-arm64-musl", os: "linux", cpu: "arm64", libc: "musl" },
  { name: "darwin-arm64", target: "bun-darwin-arm64", os: "darwin", cpu: "arm64" },
  { name: "darwin-x64", target: "bun-darwin-x64", os: "darwin", cpu: "x64" },
  { name: "windows-x64", target: "bun-windows-x64", os: "win32", cpu: "x64" },
  { name: "windows-arm64", target: "bun-windows-arm64", os: "win32", cpu: "arm64" },
];

/** What the program is called on that machine. */
export function programName(platform: Pick<Platform, "os">): string {
  return platform.os === "win32" ? "orouter.exe" : "orouter";
}

/** The platforms with these names, all of them where none is given. */
export function platformsNamed(names: readonly string[]): readonly Platform[] {
  const unknown = names.filter((name) => !PLATFORMS.some((platform) => platform.name === name));
  if (unknown.length > 0) {
    const known = PLATFORMS.map((platform) => platform.name).join(", ");
    throw new Error(`no such platform: ${unknown.join(", ")}; there are: ${known}`);
  }
  return names.length === 0 ? PLATFORMS : PLATFORMS.filter(({ name }) => names.includes(name));
}
