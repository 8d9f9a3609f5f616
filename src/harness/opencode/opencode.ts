import type { Agent, Harness, Install, LeftService, ServicePlaces } from "../harness.ts";
import { opencode1 } from "../opencode1/opencode1.ts";
import { opencode2 } from "../opencode2/opencode2.ts";
import { sharedServiceState, stopSharedService } from "../opencode2/shared-service.ts";
import { isNamed, locateProgram, otherPrograms, type ProgramSearch } from "../run/locate.ts";
import { checkProjectConfigs } from "./project-check.ts";
import { cleanEnv } from "./run-config.ts";

/** opencode 2 first, as on opencode's own pages. */
const INSTALLS: readonly Install[] = [
  { what: "opencode 2", command: ["npm", "install", "-g", "@opencode/cli"] },
  { what: "opencode 1", command: ["npm", "install", "-g", "opencode-ai"] },
];

const SEARCH: ProgramSearch = {
  name: "opencode",
  installs: INSTALLS,
  table: "opencode",
  configured: (settings) => settings.opencode.path,
  homeFolders: [".opencode/bin"],
};

export const opencode: Agent = {
  name: "opencode",
  installs: INSTALLS,
  locate: (options) => locateProgram(options, SEARCH),
  isNamed: (options) => isNamed(options, SEARCH),
  findOthers: (used, options) => otherPrograms(used, options, SEARCH),
  table: SEARCH.table,
  promptLine: 'orouter opencode run "…"',
  packages: /^(?:opencode-|@opencode(?:-ai)?\/cli)/,
  isInfo: ([word, ...more]) =>
    more.length === 0 && word !== undefined && ["--version", "-v", "--help", "-h"].includes(word),
  harnessFor,
  checkProject: checkProjectConfigs,
  findLeftService,
  cleanEnv,
};

/** opencode 2 also has builds without a number. */
const NAMELESS_2 = /^0\.0\.0-(?:next|beta|dev)/;

/** An unknown version counts as opencode 1. */
export function harnessFor(version: string | undefined): Harness {
  const major = Number.parseInt(version ?? "", 10);
  return major >= 2 || NAMELESS_2.test(version ?? "") ? opencode2 : opencode1;
}

function findLeftService({ env, home, runRoot, program }: ServicePlaces): LeftService | undefined {
  const state = sharedServiceState(env, home);
  if (state.kind !== "poisoned") return undefined;
  const { service } = state;
  const { pid } = service;
  const what = `opencode's background service (pid ${pid}) was started within a run of orouter and keeps that run's settings: without orouter, opencode cannot reach its models.`;
  // opencode 1 treats these words as a working folder.
  if (program === undefined || harnessFor(program.version) !== opencode2)
    return { what, pid, fix: `kill ${pid}`, stop: undefined };
  const stop = (): Promise<boolean> =>
    stopSharedService(program.file, service, { env: cleanEnv(env, runRoot), home });
  return { what, pid, fix: "opencode service stop", stop };
}
