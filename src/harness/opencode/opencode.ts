import { realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Agent, Harness, Install } from "../harness.ts";
import { opencode1 } from "../opencode1/opencode1.ts";
import { opencode2 } from "../opencode2/opencode2.ts";
import { cleanEnv } from "./clean-env.ts";
import { locateOpencode } from "./locate.ts";

/** opencode 2, which its own pages name first, and opencode 1. */
const INSTALLS: readonly Install[] = [
  { what: "opencode 2", command: ["npm", "install", "-g", "@opencode/cli"] },
  { what: "opencode 1", command: ["npm", "install", "-g", "opencode-ai"] },
];

export const opencode: Agent = {
  name: "opencode",
  installs: INSTALLS,
  locate: (options) => locateOpencode(options, INSTALLS),
  findOthers,
  packages: /^(?:opencode-|@opencode(?:-ai)?\/cli)/,
  isInfo: ([word, ...more]) =>
    more.length === 0 && word !== undefined && ["--version", "-v", "--help", "-h"].includes(word),
  harnessFor,
  cleanEnv,
};

/** opencode 2 also has builds without a number of their own. */
const NAMELESS_2 = /^0\.0\.0-(?:next|beta|dev)/;

/** The way to start an opencode of this version; one that names none is taken for opencode 1. */
export function harnessFor(version: string | undefined): Harness {
  const major = Number.parseInt(version ?? "", 10);
  return major >= 2 || NAMELESS_2.test(version ?? "") ? opencode2 : opencode1;
}

function findOthers(used: string, { env, home, self }: Parameters<Agent["findOthers"]>[1]): string[] {
  const folders = [...(env["PATH"] ?? "").split(delimiter).filter(Boolean), join(home, ".opencode", "bin")];
  const skipped = new Set([realPath(used), realPath(self)]);
  const others = new Map<string, string>();
  for (const folder of folders) {
    const file = Bun.which("opencode", { PATH: folder });
    if (file === null || skipped.has(realPath(file))) continue;
    others.set(realPath(file), file);
  }
  return [...others.values()];
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
