import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { SceneKey } from "../../src/demo/scenes.ts";
import { tempFolder } from "../config/temp-folder.ts";
import { opencodeBinary, orouterBinary } from "./binary.ts";
import { type OpencodeProgram, pathFolder } from "./opencode-program.ts";

export interface Run {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  cwd?: string;
}

const SCHEMA = "https://opencode.ai/config.json";

/** opencode looks for news of models and of itself on the network; a test has none. */
const QUIET = { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" };

/** A temporary machine with the compiled orouter and a real opencode, by default the lockfile's. */
export function e2eMachine(program?: OpencodeProgram) {
  const folder = tempFolder();
  const home = folder.in("home");
  const project = folder.in("project");
  const runtime = folder.in("runtime");
  for (const path of [home, project, runtime]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const opencode = program?.file ?? opencodeBinary();
  const opencodeFolder =
    program === undefined ? dirname(opencode) : pathFolder(program, folder.in("bin/opencode"));
  const env: Record<string, string> = {
    PATH: `${opencodeFolder}:/usr/bin:/bin`,
    HOME: home,
    XDG_RUNTIME_DIR: runtime,
    TMPDIR: runtime,
    TERM: "xterm-256color",
    ...QUIET,
  };
  const write = (path: string, text: string, mode = 0o600): string => {
    const file = folder.in(path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { mode });
    chmodSync(file, mode);
    return file;
  };
  const start = (command: readonly string[], options: RunOptions = {}) =>
    Bun.spawn([...command], {
      cwd: options.cwd ?? project,
      env: { ...env, ...options.env },
      stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
      stdout: "pipe",
      stderr: "pipe",
    });
  const config = (more: string): string =>
    write("home/.config/orouter/config.toml", `[models_dev]\nenabled = false\n${more}`);
  // A test must not use the network: a key alone would make orouter request its provider's list.
  config(
    '[providers.ollama-cloud]\nbase_url = "http://127.0.0.1:9"\n[providers.nvidia]\nbase_url = "http://127.0.0.1:9"\n',
  );
  const run = async (command: readonly string[], options: RunOptions = {}): Promise<Run> => {
    const child = start(command, options);
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { stdout, stderr, exitCode: child.exitCode };
  };
  return {
    folder,
    home,
    project,
    runtime,
    env,
    write,
    start,
    run,
    orouter: (args: readonly string[], options?: RunOptions) => run([orouterBinary(), ...args], options),
    startOrouter: (args: readonly string[], options?: RunOptions) =>
      start([orouterBinary(), ...args], options),
    opencode: (args: readonly string[], options?: RunOptions) => run([opencode, ...args], options),
    /** Points ollama-cloud at a local upstream with these keys. */
    configure: (baseUrl: string, keys: readonly SceneKey[], more = "") => {
      config(`[providers.ollama-cloud]\nbase_url = "${baseUrl}"\n${more}`);
      const tables = keys.map(
        ({ name, secret }) => `[[keys]]\nprovider = "ollama-cloud"\nname = "${name}"\nvalue = "${secret}"\n`,
      );
      write("home/.config/orouter/keys.toml", tables.join("\n"));
    },
    /** The model in the user's opencode config; not every interface accepts it as an argument. */
    chooseModel: (model: string) =>
      write("home/.config/opencode/opencode.json", JSON.stringify({ $schema: SCHEMA, model })),
    /** Files of our runs, which must be gone afterwards. opencode keeps its own files there. */
    leftovers: () => readdirSync(runtime).filter((name) => name.includes("orouter")),
    services: () => servicesOf(home),
    [Symbol.dispose]: () => {
      for (const pid of servicesOf(home)) endService(pid);
      folder[Symbol.dispose]();
    },
  };
}

/** Background services of opencode 2 on this machine; orouter must start none. */
function servicesOf(home: string): number[] {
  const file = join(home, ".local/state/opencode/service.json");
  if (!existsSync(file)) return [];
  return [Number((JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid)];
}

function endService(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // It ended by itself.
  }
}

/** Every file below a folder with its content, to detect changes. */
export function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(folder, file)).isFile(),
  );
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file)).toString("base64")]));
}

/** A stand-in for opencode that does only what the test needs. */
export function standIn(machine: ReturnType<typeof e2eMachine>, script: string): Record<string, string> {
  machine.write("bin/package.json", JSON.stringify({ name: "opencode-ai", version: "1.18.33" }));
  return { OROUTER_OPENCODE: machine.write("bin/stand-in", `#!/bin/sh\n${script}\n`, 0o700) };
}
