import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { orouterBinary } from "../test/e2e/binary.ts";
import { type Agent, type AgentName, findAgent } from "./chaos/agents.ts";
import { type ClientResult, runClient } from "./chaos/client.ts";
import { runLong } from "./chaos/long.ts";
import { PROFILES, type Profile, SHORT_PROFILES } from "./chaos/profiles.ts";
import { clientTableOf, groupName, rowsOf, tableOf } from "./chaos/report.ts";
import { replayCommand, runSession, type SessionPlan, type SessionResult } from "./chaos/session.ts";

/** Whole agent sessions under faults, judged by what a user would see. */
const USAGE = `Usage: bun run chaos [FLAG…]

  --profile NAME[,NAME…]   ${Object.keys(PROFILES).join(", ")}
  --agent NAME[,NAME…]     opencode1, opencode2 (its binary in OROUTER_TEST_OPENCODE2), client
  --seed N                 one seed, to see a session again
  --seeds N                so many seeds (5)
  --from N                 the first of them (1)
  --keys N, --models N     other lanes than the profile's
  --requests N             requests of the client for each number at a time (500)
  --at N[,N…]              how many requests at a time (1,16,64)
  --plain                  the agent alone with one key and one model, on the same seeds
  --plugin ID=FILE         the agent with a plugin that turns all keys, as the provider ID, and one model
  --short                  what there is time for in three minutes
  --long                   two routers on one home, kill -9, edits and a soak, in place of sessions
  --parallel N             sessions at a time (2)
  --orouter BINARY         another build than the one in dist
  --json                   the table as JSON`;

const { values } = parseArgs({
  options: {
    profile: { type: "string" },
    agent: { type: "string" },
    seed: { type: "string" },
    seeds: { type: "string", default: "5" },
    from: { type: "string", default: "1" },
    keys: { type: "string" },
    models: { type: "string" },
    requests: { type: "string", default: "500" },
    at: { type: "string" },
    plain: { type: "boolean", default: false },
    plugin: { type: "string" },
    short: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    parallel: { type: "string", default: "2" },
    orouter: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** The short form has three minutes, and its last sessions are stopped before they are over. */
const SHORT_MS = 172_000;
const SHORT_REQUESTS = 200;
const AT_A_TIME = [1, 16, 64];

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "orouter-chaos-"));
  if (values.long) return tellLong(folder);
  const signal = values.short ? AbortSignal.timeout(SHORT_MS) : new AbortController().signal;
  const agents = agentsHere();
  const clients = agents.includes("client") ? await runClients(folder) : [];
  const found = agents.filter((agent) => agent !== "client");
  const results = await runSessions(sessionPlans(folder, found), signal);
  const rows = rowsOf(results);
  if (values.json) {
    console.log(JSON.stringify({ folder, rows, clients }, null, 2));
  } else {
    if (clients.length > 0) console.log(clientTableOf(clients));
    if (rows.length > 0) console.log(tableOf(rows));
  }
  return tellFailures(results, clients, folder);
}

async function tellLong(folder: string): Promise<number> {
  const results = await runLong({
    orouter: values.orouter ?? orouterBinary(),
    folder,
    seed: whole("--seed", values.seed ?? "1"),
    requests: whole("--requests", values.requests),
  });
  if (values.json) console.log(JSON.stringify(results, null, 2));
  for (const { part, figures, faults } of values.json ? [] : results) {
    console.log(`${faults.length === 0 ? "right" : "WRONG"}  ${part}: ${figures}`);
    for (const fault of faults.slice(0, 5)) console.log(`  ${fault}`);
  }
  return results.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

/** What went wrong and how to see it again; the exit code. */
function tellFailures(
  results: readonly SessionResult[],
  clients: readonly ClientResult[],
  folder: string,
): number {
  const wrong = results.filter(({ isJudged, isRight }) => isJudged && !isRight);
  for (const { plan, faults, folder: log } of wrong) {
    console.error(`\n${replayCommand(plan)}\n  ${faults.slice(0, 4).join("\n  ")}\n  Log: ${log}`);
  }
  const badClients = clients.filter(({ wrong: bad, lost }) => bad + lost > 0);
  for (const { profile, atATime, examples } of badClients)
    console.error(`\nclient, ${profile}, ${atATime} at a time:\n  ${examples.join("\n  ")}`);
  console.error(`\n${results.length} sessions ended. Logs: ${folder}`);
  const isFine = wrong.length === 0 && badClients.length === 0 && results.length + clients.length > 0;
  return isFine ? 0 : 1;
}

function sessionPlans(folder: string, agents: readonly Agent[]): SessionPlan[] {
  if (agents.length === 0) return [];
  const seeds = values.seed
    ? [whole("--seed", values.seed)]
    : Array.from({ length: whole("--seeds", values.seeds) }, (_, nth) => whole("--from", values.from) + nth);
  const orouter = values.orouter ?? orouterBinary();
  const one = (profileName: string, agent: Agent, seed: number): SessionPlan => ({
    profileName,
    profile: profileNamed(profileName),
    agent,
    seed,
    isPlain: values.plain || values.plugin !== undefined,
    plugin: keyPlugin(),
    orouter,
    folder,
  });
  const names = profileNames();
  // By seeds first in the short form, so that it has seen every profile when its time is over.
  if (values.short)
    return seeds.flatMap((seed) => names.flatMap((name) => agents.map((agent) => one(name, agent, seed))));
  return names.flatMap((name) => agents.flatMap((agent) => seeds.map((seed) => one(name, agent, seed))));
}

function keyPlugin(): SessionPlan["plugin"] {
  if (values.plugin === undefined) return undefined;
  const [provider = "", file = ""] = values.plugin.split("=", 2);
  if (provider === "" || file === "") throw new Error("--plugin takes ID=FILE.");
  return { provider, file: resolve(file) };
}

function profileNames(): readonly string[] {
  return values.profile?.split(",") ?? (values.short ? SHORT_PROFILES : Object.keys(PROFILES));
}

function profileNamed(name: string): Profile {
  const profile = PROFILES[name];
  if (!profile) throw new Error(`There is no profile ${name}. Known: ${Object.keys(PROFILES).join(", ")}.`);
  return {
    ...profile,
    ...(values.keys ? { keys: whole("--keys", values.keys) } : {}),
    ...(values.models ? { models: whole("--models", values.models) } : {}),
  };
}

function whole(flag: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${flag} takes a whole number from 1.`);
  return number;
}

function agentsHere(): (Agent | "client")[] {
  const names = values.agent?.split(",") ?? ["opencode1", "opencode2"];
  return names.flatMap((name): (Agent | "client")[] => {
    if (name === "client") return ["client"];
    const found = findAgent(agentNamed(name));
    if (!("missing" in found)) return [found];
    if (values.agent) throw new Error(`${found.missing}.`);
    console.error(`${name} is left out: ${found.missing}.`);
    return [];
  });
}

function agentNamed(name: string): AgentName {
  if (name === "opencode1" || name === "opencode2") return name;
  throw new Error(`There is no agent ${name}. Known: opencode1, opencode2, client.`);
}

async function runClients(folder: string): Promise<ClientResult[]> {
  const results: ClientResult[] = [];
  const names = values.profile?.split(",") ?? ["p20", "silent-keys"];
  const requests = values.short ? SHORT_REQUESTS : whole("--requests", values.requests);
  for (const profileName of names) {
    for (const atATime of atATimes()) {
      const result = await runClient({
        profileName,
        profile: profileNamed(profileName),
        seed: whole("--seed", values.seed ?? "1"),
        requests,
        atATime,
        orouter: values.orouter ?? orouterBinary(),
        folder,
      });
      results.push(result);
      if (!values.json) console.error(clientTableOf([result]));
    }
  }
  return results;
}

function atATimes(): readonly number[] {
  return values.at ? values.at.split(",").map((text) => whole("--at", text)) : AT_A_TIME;
}

async function runSessions(plans: SessionPlan[], signal: AbortSignal): Promise<SessionResult[]> {
  const results: SessionResult[] = [];
  const run = async (plan: SessionPlan): Promise<void> => {
    const result = await runSession(plan, signal);
    if (!result) return;
    results.push(result);
    if (!values.json) console.error(lineOf(result));
  };
  // The first session of each agent before all others, which begin with the home that it leaves.
  const isFirst = (one: SessionPlan, at: number) =>
    plans.findIndex(({ agent }) => agent.name === one.agent.name) === at;
  const firsts = plans.filter(isFirst);
  const waiting = plans.filter((one) => !firsts.includes(one));
  await Promise.all(firsts.map(run));
  const worker = async (): Promise<void> => {
    for (let plan = waiting.shift(); plan && !signal.aborted; plan = waiting.shift()) await run(plan);
  };
  await Promise.all(Array.from({ length: whole("--parallel", values.parallel) }, worker));
  return results;
}

function lineOf({ plan, isRight, isJudged, unsolvable, calls, needed, ms, faults }: SessionResult): string {
  const word = isRight ? "right" : isJudged ? "WRONG" : "ended";
  const name = `${groupName(plan)} ${plan.seed}`;
  const what = [unsolvable ?? "", ...faults.slice(0, 2)].filter((one) => one !== "").join("; ");
  return `${word}  ${name}  ${calls}/${needed} calls  ${(ms / 1000).toFixed(1)} s  ${what}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
