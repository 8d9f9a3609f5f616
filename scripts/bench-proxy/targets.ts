import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import { type Cooldown, targetOf } from "../../src/core/routing/cooldown.ts";
import { ownWords } from "../../src/core/scrub.ts";

/** Where a request may be sent: straight to the provider, or through something in between. */
export interface Target {
  name: string;
  port: number;
  token: string;
  /** Undefined for the provider itself: its own cost is nobody's question. */
  pid: number | undefined;
}

/** Where the targets get their files, and the provider behind all of them. */
export interface Place {
  folder: string;
  upstreamPort: number;
}

/** Scenes of the provider, each a provider of its own to orouter. */
const SCENES = ["first", "small", "chunks", "bulk", "clean", "limited", "unplanned"] as const;

const BINARY = join(import.meta.dir, "..", "..", "dist", "orouter");
const NGINX = "/usr/sbin/nginx";
const HOUR_MS = 3_600_000;
const MODELS_AT_REST = 10;
const running: Bun.Subprocess[] = [];

/** A port that is free now, below those that the system gives to clients. */
export function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // Taken: another.
    }
  }
}

/** Starts a process that ends with the benchmark. */
export function start(command: string[], env: Record<string, string> = {}): Bun.Subprocess<"ignore", "pipe"> {
  const child = Bun.spawn(command, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  running.push(child);
  return child;
}

export async function stopAll(): Promise<void> {
  for (const child of running) child.kill();
  await Promise.all(running.map((child) => child.exited));
}

export async function untilListening(port: number): Promise<void> {
  const endMs = performance.now() + 5000;
  for (;;) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.end();
      return;
    } catch (cause) {
      if (performance.now() > endMs) throw cause;
      await Bun.sleep(10);
    }
  }
}

/** Debian's nginx as people put it before a stream: no buffering, connections kept. Undefined where there is none. */
export async function startNginx({ folder, upstreamPort }: Place): Promise<Target | undefined> {
  if (!existsSync(NGINX)) return undefined;
  const home = join(folder, "nginx");
  mkdirSync(home);
  const port = freePort();
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${home}/${kind};`,
  );
  // The provider twice over: where one refuses, the other is asked, as orouter asks the second key.
  writeFileSync(
    join(home, "nginx.conf"),
    `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log;
events { worker_connections 1024; }
http { access_log off; ${temps.join(" ")} client_body_buffer_size 1m; client_max_body_size 64m;
upstream provider { server 127.0.0.1:${upstreamPort} max_fails=0; server 127.0.0.1:${upstreamPort} max_fails=0; keepalive 128; }
server { listen 127.0.0.1:${port}; location / { proxy_pass http://provider; proxy_http_version 1.1;
proxy_set_header Connection ""; proxy_buffering off; keepalive_requests 1000000;
proxy_next_upstream error http_429 http_403 non_idempotent; } } }
`,
  );
  const child = start([NGINX, "-p", home, "-c", "nginx.conf", "-e", join(home, "error.log")]);
  await untilListening(port);
  return { name: "nginx", port, token: "bench", pid: child.pid };
}

/** The bare relay, compiled as orouter is. */
export async function startRelay({ folder, upstreamPort }: Place): Promise<Target> {
  const binary = join(folder, "relay");
  if (!existsSync(binary)) {
    const source = join(import.meta.dir, "processes", "relay.ts");
    const options = ["--compile", "--minify", "--bytecode", "--format=esm", "--outfile", binary];
    const build = Bun.spawnSync([process.execPath, "build", ...options, source], { stdout: "ignore" });
    if (build.exitCode !== 0) throw new Error(`building the relay failed:\n${build.stderr.toString()}`);
  }
  const port = freePort();
  const child = start([binary, String(port), `http://127.0.0.1:${upstreamPort}`]);
  await untilListening(port);
  return { name: "relay", port, token: "bench", pid: child.pid };
}

export interface OrouterOptions {
  name?: string;
  /** Another build than the one in `dist`. */
  binary?: string;
  /** Of each provider. */
  keys?: number;
  cooldowns?: number;
}

/** `orouter serve`, compiled, with routing, ledger and state on. */
export async function startOrouter(
  place: Place,
  { name = "orouter", binary = BINARY, keys = 3, cooldowns = 0 }: OrouterOptions = {},
): Promise<Target> {
  const home = join(place.folder, `${name}-${crypto.randomUUID()}`);
  mkdirSync(home);
  writeConfig(home, place.upstreamPort, keys);
  if (cooldowns > 0) await writeCooldowns(join(home, "state.db"), keys, cooldowns);
  const port = freePort();
  const command = [binary, "serve", "--json", "--port", String(port)];
  const child = start(command, { HOME: home, OROUTER_HOME: home });
  const { value } = await child.stdout.getReader().read();
  const { token } = JSON.parse(new TextDecoder().decode(value)) as { token: string };
  return { name, port, token, pid: child.pid };
}

function secretOf(scene: string, key: number): string {
  return `not-a-real-key-${scene}-${key}`;
}

function writeConfig(home: string, upstreamPort: number, keys: number): void {
  const providers = SCENES.map(
    (scene) => `[providers.${scene}]\nbase_url = "http://127.0.0.1:${upstreamPort}/${scene}/v1"\n`,
  );
  writeFileSync(join(home, "config.toml"), `[models_dev]\nenabled = false\n${providers.join("")}`);
  const entries = SCENES.flatMap((scene) =>
    Array.from(
      { length: keys },
      (_, key) => `[[keys]]\nprovider = "${scene}"\nname = "key-${key}"\nvalue = "${secretOf(scene, key)}"\n`,
    ),
  );
  writeFileSync(join(home, "keys.toml"), entries.join(""), { mode: 0o600 });
}

/** Cooldowns of the keys of one scene, ten models a key; half of the keys rest for the very model that is asked for. */
async function writeCooldowns(file: string, keys: number, cooldowns: number): Promise<void> {
  const state = await openState({
    file,
    ledgerDays: 1,
    ledgerRows: 1000,
    secrets: [],
    onTrouble: (problem) => {
      throw problem;
    },
  });
  const nowMs = Date.now();
  for (let number = 0; number < cooldowns; number++) {
    const key = number % keys;
    const place = Math.floor(number / keys) % MODELS_AT_REST;
    const model = place === 0 && key % 2 === 0 ? "bench" : `other-${place}`;
    state.store.cooldowns.set(cooldownOf(key, model, nowMs));
  }
  await state.close();
}

function cooldownOf(key: number, model: string, nowMs: number): Cooldown {
  return {
    ...targetOf.lane(fingerprint(secretOf("small", key)), { provider: "small", model }),
    kind: "rate-limit",
    status: 429,
    message: ownWords("rate limit reached"),
    sinceMs: nowMs,
    untilMs: nowMs + HOUR_MS,
    failures: 1,
    isDeclared: false,
  };
}
