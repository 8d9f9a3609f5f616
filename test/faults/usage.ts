import { readdirSync, readFileSync } from "node:fs";

/** Reads /proc on Linux; elsewhere `ps` and `lsof`. */
export const usage = {
  /** In MiB: the current size, or the peak. */
  memoryMib: (pid: number, what: "now" | "peak" = "now"): number => {
    const field = what === "now" ? "VmRSS" : "VmHWM";
    if (process.platform !== "linux") return Number(said("ps", "-o", "rss=", "-p", String(pid))) / 1024;
    const [, kib = "0"] =
      new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kib) / 1024;
  },
  descriptors: (pid: number): number =>
    process.platform === "linux"
      ? readdirSync(`/proc/${pid}/fd`).length
      : said("lsof", "-nP", "-p", String(pid))
          .split("\n")
          .filter((line) => /^\S+\s+\d+\s+\S+\s+\d+/.test(line)).length,
};

function said(...command: string[]): string {
  return Bun.spawnSync(command).stdout.toString();
}
