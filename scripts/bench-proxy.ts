import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FIGURES, type Figure } from "./bench-proxy/figures.ts";
import { type LoadProcess, startLoad } from "./bench-proxy/load-process.ts";
import { measure, type Sample } from "./bench-proxy/measure.ts";
import { tableOf, valuesOf } from "./bench-proxy/report.ts";
import {
  freePort,
  type Place,
  start,
  startNginx,
  startOrouter,
  startRelay,
  stopAll,
  type Target,
  untilListening,
} from "./bench-proxy/targets.ts";

/**
 * What orouter costs a request, beside a direct call, nginx and a bare relay, all in one run and in turn.
 * Usage: bun scripts/bench-proxy.ts [FIGURE…] [--rounds N] [--quick] [--json] [--orouter BINARY] [--against BINARY]
 */
const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    /** Another build than the one in `dist`. */
    orouter: { type: "string" },
    /** One more build, measured in the same run. */
    against: { type: "string" },
  },
});

const BUILD = values.orouter === undefined ? {} : { binary: values.orouter };
const BEFORE = { name: "before", ...(values.against === undefined ? {} : { binary: values.against }) };
const MANY = { ...BUILD, name: "1000 keys", keys: 1000, rests: 10_000 };
const SETTLE_MS = 1000;

async function main(): Promise<void> {
  const names = positionals.length === 0 ? Object.keys(FIGURES) : positionals;
  const unknown = names.find((name) => !Object.hasOwn(FIGURES, name));
  if (unknown !== undefined)
    throw new Error(`There is no figure ${unknown}. Known: ${Object.keys(FIGURES).join(", ")}`);
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 7));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a number from 1");
  const folder = mkdtempSync(join(tmpdir(), "orouter-bench-"));
  const load = startLoad();
  try {
    const upstreamPort = freePort();
    start([
      process.execPath,
      join(import.meta.dir, "bench-proxy", "processes", "upstream.ts"),
      String(upstreamPort),
    ]);
    await untilListening(upstreamPort);
    await runAll(names, { rounds, load, place: { folder, upstreamPort } });
  } finally {
    load.stop();
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Run {
  rounds: number;
  load: LoadProcess;
  place: Place;
}

async function runAll(names: readonly string[], run: Run): Promise<void> {
  const targets = await startTargets(run.place);
  const figures: Record<string, object> = {};
  for (const name of names) {
    const figure = FIGURES[name];
    if (figure === undefined) continue;
    const results = await runFigure(name, figure, targets, run);
    figures[name] = valuesOf(name, results);
    if (!values.json) console.log(tableOf(name, results));
  }
  if (!values.json) return;
  const date = new Date().toISOString().slice(0, 10);
  console.log(JSON.stringify({ date, bun: Bun.version, rounds: run.rounds, figures }, null, 2));
}

async function startTargets(place: Place): Promise<Target[]> {
  const direct: Target = { name: "direct", port: place.upstreamPort, token: "bench", pid: undefined };
  const nginx = await startNginx(place);
  if (nginx === undefined) console.error("nginx is not installed here: measured without it.");
  return [
    direct,
    ...(nginx === undefined ? [] : [nginx]),
    await startRelay(place),
    ...(values.against === undefined ? [] : [await startOrouter(place, BEFORE)]),
    await startOrouter(place, BUILD),
  ];
}

async function runFigure(
  name: string,
  figure: Figure,
  started: readonly Target[],
  { rounds, load, place }: Run,
): Promise<Record<string, Sample[]>> {
  const { without = [] } = figure;
  const targets = started.filter((target) => !without.includes(target.name));
  if (name === "many") targets.push(await startOrouter(place, MANY));
  const results: Record<string, Sample[]> = Object.fromEntries(targets.map((target) => [target.name, []]));
  for (let round = 1 - figure.warmUps; round <= rounds; round++) {
    for (let turn = 0; turn < targets.length; turn++) {
      const target = targets[(turn + round + figure.warmUps) % targets.length];
      if (target === undefined) continue;
      const sample = await measure(
        figure,
        figure.fresh === true ? await renewed(target, place) : target,
        load,
      );
      if (round > 0) results[target.name]?.push(sample);
    }
  }
  return results;
}

/** The same kind of target, just started and come to rest. */
async function renewed({ name, ...target }: Target, place: Place): Promise<Target> {
  let fresh: Target | undefined;
  if (name === "relay") fresh = await startRelay(place);
  if (name === "orouter") fresh = await startOrouter(place, BUILD);
  if (name === "before") fresh = await startOrouter(place, BEFORE);
  if (fresh !== undefined) await Bun.sleep(SETTLE_MS);
  return fresh ?? { name, ...target };
}

await main();
