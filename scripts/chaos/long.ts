import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, atOnce, type ClientWorld, startWorld, type Told } from "./client.ts";
import { PROFILES, type Profile } from "./profiles.ts";
import { type Serve, startServe } from "./serve.ts";

/** What the long form does beside more sessions; each part answers with what is wrong, nothing if all is well. */
export interface LongPlan {
  orouter: string;
  folder: string;
  seed: number;
  requests: number;
}

export interface LongResult {
  part: string;
  /** Figures worth reading, whatever they are. */
  figures: string;
  faults: string[];
}

const LONG_PROFILE = "p20";
const AT_A_TIME = 16;

export async function runLong(plan: LongPlan): Promise<LongResult[]> {
  return [await twoRouters(plan), await editsWhileRunning(plan), await soak(plan)];
}

function profileOfLong(): Profile {
  const profile = PROFILES[LONG_PROFILE];
  if (!profile) throw new Error(`There is no profile ${LONG_PROFILE}.`);
  return profile;
}

async function world(plan: LongPlan, name: string): Promise<ClientWorld> {
  const home = join(plan.folder, name);
  mkdirSync(home, { recursive: true });
  return startWorld({ ...plan, profile: profileOfLong() }, home);
}

const KILL_EVERY_MS = 3000;

/** Two routers share one home; one of them is killed outright and started again, over and over. */
async function twoRouters(plan: LongPlan): Promise<LongResult> {
  await using here = await world(plan, "two-routers");
  const routers: Serve[] = [
    await startServe(plan.orouter, here.home),
    await startServe(plan.orouter, here.home),
  ];
  const killed = new Set<number>();
  let isOver = false;
  const killing = (async () => {
    for (let victim = 0; !isOver; victim = 1 - victim) {
      await Bun.sleep(KILL_EVERY_MS);
      const router = routers[victim];
      if (!router) continue;
      killed.add(router.pid);
      await router.stop("SIGKILL");
      routers[victim] = await startServe(plan.orouter, here.home);
    }
  })();
  const bad: Told[] = [];
  let excused = 0;
  await atOnce(plan.requests, AT_A_TIME, async (nth) => {
    // A request whose router is killed under it is asked once more, of whichever router there is then.
    for (let tries = 0; ; tries++) {
      const router = routers[(nth + tries) % 2];
      if (!router) continue;
      const told = await ask({ ...router, ...here.question(nth) });
      if (told.outcome !== "lost" || !killed.has(router.pid)) {
        if (told.outcome !== "right") bad.push(told);
        return;
      }
      excused += 1;
    }
  });
  isOver = true;
  await killing;
  for (const router of routers) await router.stop();
  return {
    part: "two routers on one home, kill -9",
    figures: `${plan.requests} requests, ${killed.size} kills, ${excused} asked again`,
    faults: [...faultsOf(bad), ...stateFaults(here.home)],
  };
}

function faultsOf(bad: readonly Told[]): string[] {
  return bad.map(({ nth, outcome, what }) => `request ${nth}: ${outcome}, ${what.slice(0, 300)}`);
}

function stateFaults(home: string): string[] {
  const path = join(home, ".local/state/orouter/state.db");
  if (!existsSync(path)) return ["state.db is missing"];
  const database = new Database(path, { readonly: true });
  const rows = database.query("PRAGMA integrity_check").all() as { integrity_check: string }[];
  database.close();
  return rows.filter((row) => row.integrity_check !== "ok").map((row) => `state.db: ${row.integrity_check}`);
}

const EDIT_EVERY_MS = 400;

/** config.toml and keys.toml are rewritten, spoiled and restored while requests run. */
async function editsWhileRunning(plan: LongPlan): Promise<LongResult> {
  await using here = await world(plan, "edits");
  const router = await startServe(plan.orouter, here.home);
  const [config, keys] = ["config.toml", "keys.toml"].map((name) => join(here.home, ".config/orouter", name));
  if (!config || !keys) throw new Error("unreachable");
  const [configText, keysText] = [readFileSync(config, "utf8"), readFileSync(keys, "utf8")];
  const edits: [path: string, text: string][] = [
    [config, `${configText}\n# a comment\n`],
    [config, `${configText}\n[routing\n`],
    [config, configText],
    [config, configText.replace("[routing]", '[routing]\nstrategy = "round-robin"')],
    [config, configText],
    [
      keys,
      keysText
        .split("[[keys]]")
        .reverse()
        .filter(Boolean)
        .map((part) => `[[keys]]${part}`)
        .join("\n"),
    ],
    [keys, "[[keys]"],
    [keys, keysText],
  ];
  let isOver = false;
  let count = 0;
  const editing = (async () => {
    for (; !isOver; count++) {
      const [path, text] = edits[count % edits.length] ?? [config, configText];
      writeFileSync(path, text);
      await Bun.sleep(EDIT_EVERY_MS);
    }
  })();
  const bad: Told[] = [];
  await atOnce(plan.requests, AT_A_TIME, async (nth) => {
    const told = await ask({ ...router, ...here.question(nth) });
    if (told.outcome !== "right") bad.push(told);
  });
  isOver = true;
  await editing;
  await router.stop();
  return {
    part: "config.toml and keys.toml edited while running",
    figures: `${plan.requests} requests, ${count} edits`,
    faults: faultsOf(bad),
  };
}

/** What a process holds. */
interface Holdings {
  mib: number;
  descriptors: number;
  threads: number;
}

function holdingsOf(pid: number): Holdings {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return {
    mib: number("VmRSS") / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: number("Threads"),
  };
}

/** What may remain on top of what was there after a tenth of the requests. */
const GROWTH = { memory: 1.35, descriptors: 8, threads: 4 };
const SETTLE_MS = 10_000;

async function soak(plan: LongPlan): Promise<LongResult> {
  if (process.platform !== "linux") return { part: "soak", figures: "needs /proc", faults: [] };
  await using here = await world(plan, "soak");
  const router = await startServe(plan.orouter, here.home);
  const bad: Told[] = [];
  const half = async (from: number, count: number): Promise<Holdings> => {
    await atOnce(count, AT_A_TIME, async (nth) => {
      const told = await ask({ ...router, ...here.question(from + nth) });
      if (told.outcome !== "right") bad.push(told);
    });
    await Bun.sleep(SETTLE_MS);
    return holdingsOf(router.pid);
  };
  const tenth = Math.ceil(plan.requests / 10);
  const first = await half(0, tenth);
  const last = await half(tenth, plan.requests - tenth);
  await router.stop();
  const shown = (one: Holdings) =>
    `${one.mib.toFixed(0)} MiB, ${one.descriptors} descriptors, ${one.threads} threads`;
  return {
    part: "soak",
    figures: `after ${tenth} requests ${shown(first)}; after ${plan.requests} ${shown(last)}`,
    faults: [
      ...faultsOf(bad),
      ...(last.mib > first.mib * GROWTH.memory ? ["the memory has grown"] : []),
      ...(last.descriptors > first.descriptors + GROWTH.descriptors ? ["descriptors are left open"] : []),
      ...(last.threads > first.threads + GROWTH.threads ? ["threads are left"] : []),
    ],
  };
}
