/** Says that something is larger than a limit of the settings allows, and which one that is. */
export function overLimit(what: "request" | "answer", maxBytes: number, setting: string): string {
  const mib = Math.round((maxBytes / 1024 / 1024) * 10) / 10;
  return `The ${what} is larger than ${mib} MiB, the limit that config.toml sets as ${setting} under [limits].`;
}
