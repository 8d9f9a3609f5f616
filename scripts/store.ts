import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { which } from "bun";
import { serverProgram, ValkeyServer } from "../test/store/valkey-server.ts";
import { type Calls, countingProvider } from "./store/counting-provider.ts";
import { Netns } from "./store/netns.ts";

/**
 * Checks that real `orouter serve` processes keep the limits of one key together: on SQLite with one home, and on a real
 * Valkey or Redis with a home each, also from two network namespaces and while processes are killed.
 * Usage: bun run test:store [--short] [--rounds N]
 * What cannot be tried here (no server program, no network namespaces) is one line and counted.
 */
const { values } = parseArgs({
  options: { short: { type: "boolean", default: false }, rounds: { type: "string" } },
});
const rounds = Number(values.rounds ?? (values.short ? 4 : 200));

const ROOT = join(import.meta.dir, "..");
const BINARY = join(ROOT, "dist/orouter");
const SECRET = "key-of-the-store-test";

interface Worker {
  url: string;
  token: string;
  child: Bun.Subprocess<"ignore", "pipe", "pipe">;
}

interface Group {
  homes: readonly string[];
  /** Words before the program, to start it elsewhere. */
  within?: (i: number) => readonly string[];
  /** The address to serve on, where it is not this machine's own. */
  hostOf?: (i: number) => string;
  /** More words for `orouter serve`. */
  words?: readonly string[];
  env?: Record<string, string>;
}

const folder = mkdtempSync(join(tmpdir(), "orouter-store-"));
const failures: string[] = [];
let notRun = 0;

function check(name: string, isRight: boolean, figures: string): void {
  console.log(`${isRight ? "pass" : "FAIL"}  ${name}: ${figures}`);
  if (!isRight) failures.push(name);
}

interface Home {
  name: string;
  provider: { host: string; port: number };
  limits: string;
  store?: { url: string; prefix: string } | undefined;
}

function makeHome({ name, provider, limits, store }: Home): string {
  const home = join(folder, name);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const url = `http://${provider.host}:${provider.port}/v1`;
  const shared = store === undefined ? "" : `[store]\nurl = "${store.url}"\nprefix = "${store.prefix}"\n`;
  writeFileSync(join(home, "config.toml"), `[providers.acme]\nbase_url = "${url}"\n${limits}\n${shared}`);
  writeFileSync(join(home, "keys.toml"), `[[keys]]\nprovider = "acme"\nname = "work"\nvalue = "${SECRET}"\n`);
  for (const file of ["config.toml", "keys.toml"]) chmodSync(join(home, file), 0o600);
  return home;
}

async function startWorkers({ homes, within, hostOf, env, words = [] }: Group): Promise<Worker[]> {
  return Promise.all(
    homes.map(async (home, i) => {
      const child = Bun.spawn(
        [
          ...(within?.(i) ?? []),
          BINARY,
          "serve",
          "--json",
          ...words,
          ...(hostOf === undefined ? [] : ["--host", hostOf(i)]),
        ],
        {
          env: { PATH: process.env["PATH"] ?? "", HOME: home, OROUTER_HOME: home, ...env },
          stdin: "ignore",
          stdout: "pipe",
          stderr: "pipe",
        },
      );
      const { value } = await child.stdout.getReader().read();
      const { url, token } = JSON.parse(new TextDecoder().decode(value)) as { url: string; token: string };
      return { url, token, child };
    }),
  );
}

async function stop(workers: readonly Worker[]): Promise<void> {
  for (const { child } of workers) child.kill("SIGTERM");
  await Promise.all(workers.map(({ child }) => child.exited));
}

/** Sends requests through all workers until the signal ends it, `width` at a time through each. */
async function load(workers: readonly Worker[], width: number, signal: AbortSignal): Promise<void> {
  const one = async ({ url, token }: Worker): Promise<void> => {
    while (!signal.aborted) {
      const reply = await fetch(`${url}/acme/v1/chat/completions`, {
        method: "POST",
        signal,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }] }),
      }).catch(() => undefined);
      await reply?.text().catch(() => "");
      if (reply?.status !== 200) await Bun.sleep(50);
    }
  };
  await Promise.all(workers.flatMap((worker) => Array.from({ length: width }, () => one(worker))));
}

async function runFor(
  workers: readonly Worker[],
  width: number,
  seconds: number,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const stopper = new AbortController();
  const work = load(workers, width, stopper.signal);
  await Promise.all([Bun.sleep(seconds * 1000), meanwhile?.()]);
  stopper.abort();
  await work;
}

/** How much of a limit is used depends on the machine, too: in the gate that decides nothing. */
function isUsed(share: number): boolean {
  return values.short || share >= 0.98;
}

const RPM = 40;
const RPM_SECONDS = 66;

/** A burst at the start, and the same again once the first minute is over. */
async function checkRpm(name: string, group: Group, calls: Calls): Promise<void> {
  const workers = await startWorkers(group);
  await runFor(workers, 6, RPM_SECONDS);
  await stop(workers);
  const most = calls.mostInAMinute();
  check(
    name,
    most <= RPM && isUsed(calls.starts.length / (RPM * 2)),
    `${calls.starts.length} of ${RPM * 2} calls in ${RPM_SECONDS} s, at most ${most} in any minute (rpm ${RPM})`,
  );
}

const CONCURRENCY = 4;
const CALL_MS = 1_500;
const CONCURRENCY_SECONDS = 18;

async function checkConcurrency(name: string, group: Group, calls: Calls): Promise<void> {
  const workers = await startWorkers(group);
  await runFor(workers, 4, CONCURRENCY_SECONDS);
  const used = calls.busyShare(CONCURRENCY);
  await stop(workers);
  check(
    name,
    calls.most <= CONCURRENCY && isUsed(used),
    `at most ${calls.most} at a time (concurrency ${CONCURRENCY}), ${(used * 100).toFixed(1)} % of it used`,
  );
}

/** Kills workers at random times: their leases may hold room for ten seconds, and nothing holds it longer. */
async function checkKills(name: string, group: Group, calls: Calls): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const workers = await startWorkers(group);
    await runFor(workers, 3, 1.5, async () => {
      await Bun.sleep(200 + Math.random() * 1000);
      for (const { child } of workers.slice(0, 1 + Math.floor(Math.random() * (workers.length - 1))))
        child.kill("SIGKILL");
    });
    for (const { child } of workers) child.kill("SIGKILL");
    await Promise.all(workers.map(({ child }) => child.exited));
  }
  const before = calls.starts.length;
  const workers = await startWorkers(group);
  await runFor(workers, 3, 13);
  await stop(workers);
  const after = calls.starts.length - before;
  // The provider still sees the calls of killed processes for as long as it takes to notice: those count as over-use.
  check(
    name,
    after > 0 && calls.most <= CONCURRENCY * 2,
    `${rounds} rounds of kill -9, ${after} calls in the 13 s after them, at most ${calls.most} at a time`,
  );
}

interface Place {
  title: string;
  /** With a store each process has a home of its own; without one they share a home. */
  url: string | undefined;
  env: Record<string, string>;
}

function groupOf({ url, env, title }: Place, id: string, count: number, calls: Calls, limits: string): Group {
  const store = url === undefined ? undefined : { url, prefix: id };
  const homes = Array.from({ length: count }, (_, i) =>
    makeHome({ name: `${title}-${id}${store === undefined ? "" : `-${i}`}`, provider: calls, limits, store }),
  );
  return { homes, env };
}

const PACED = `rpm = ${RPM}`;
const CAPPED = `rpm = 0\nconcurrency = ${CONCURRENCY}`;

async function checkPlace(place: Place): Promise<void> {
  const jobs = (values.short ? [3] : [2, 8]).flatMap((count) => {
    const paced = countingProvider(20);
    const capped = countingProvider(CALL_MS);
    const title = `${place.title}, ${count} processes`;
    return [
      checkRpm(`${title}, calls per minute`, groupOf(place, `rpm${count}`, count, paced, PACED), paced),
      checkConcurrency(
        `${title}, calls at a time`,
        groupOf(place, `cap${count}`, count, capped, CAPPED),
        capped,
      ),
    ];
  });
  const killed = countingProvider(CALL_MS);
  await Promise.all([
    ...jobs,
    checkKills(`${place.title}, 4 processes`, groupOf(place, "kill", 4, killed, CAPPED), killed),
  ]);
}

/** Prometheus' own parser reads what a server shows after some requests. */
async function checkMetrics(): Promise<void> {
  const promtool = which("promtool");
  if (promtool === null) {
    notRun++;
    console.log("not run  /metrics: promtool of Prometheus is not installed");
    return;
  }
  const calls = countingProvider(5);
  const workers = await startWorkers({
    homes: [makeHome({ name: "metrics", provider: calls, limits: PACED })],
    words: ["--metrics"],
  });
  await runFor(workers, 2, 1);
  const [worker] = workers;
  const page = await fetch(`${worker?.url}/metrics`, {
    headers: { authorization: `Bearer ${worker?.token}` },
  });
  const text = await page.text();
  await stop(workers);
  const read = Bun.spawnSync([promtool, "check", "metrics"], { stdin: Buffer.from(text), stderr: "pipe" });
  const isRight = read.exitCode === 0 && text.includes("orouter_requests_total{");
  check("/metrics", isRight, `promtool ends with ${read.exitCode} ${read.stderr.toString().trim()}`);
}

/** Two network namespaces are two machines, as far as the store can tell. */
async function checkNamespaces(program: string): Promise<void> {
  const net = Netns.open();
  if (net === undefined) {
    notRun++;
    console.log("not run  two network namespaces: this user may not make them, or ip is not installed");
    return;
  }
  await using server = await ValkeyServer.start(program, ["--bind", net.host]);
  const calls = countingProvider(20, net.host);
  try {
    const place = {
      title: "namespaces",
      url: server.urlAt(net.host),
      env: { OROUTER_STORE_PASSWORD: server.password },
    };
    const group = {
      ...groupOf(place, "net", 2, calls, PACED),
      within: (i: number) => net.within(i),
      hostOf: (i: number) => net.addressOf(i),
    };
    await checkRpm("Valkey, two network namespaces, calls per minute", group, calls);
  } finally {
    net.close();
  }
}

try {
  await checkMetrics();
  const jobs = [checkPlace({ title: "SQLite", url: undefined, env: {} })];
  const program = serverProgram();
  if (program === undefined) {
    notRun++;
    console.log("not run  Valkey: neither valkey-server nor redis-server is installed");
    await Promise.all(jobs);
  } else {
    await using server = await ValkeyServer.start(program);
    const env = { OROUTER_STORE_PASSWORD: server.password };
    await Promise.all([
      ...jobs,
      checkPlace({ title: "Valkey", url: server.url, env }),
      checkNamespaces(program),
    ]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\nstore: ${failures.length} failed${notRun === 0 ? "" : `, ${notRun} not run`}`);
process.exit(failures.length === 0 ? 0 : 1);
