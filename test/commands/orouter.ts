import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tempFolder } from "../config/temp-folder.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");

export interface Run {
  stdout: string;
  stderr: string;
  exitCode: number | null;
  signal: NodeJS.Signals | number | null;
}

export interface RunOptions {
  stdin?: string;
  env?: Record<string, string>;
}

/** A temporary home, no keys in the environment, and the program as users call it. */
export function tempMachine() {
  const folder = tempFolder();
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder.path,
    OROUTER_HOME: folder.in("orouter"),
    XDG_DATA_HOME: folder.in("data"),
  };
  const command = (args: readonly string[]) => [process.execPath, MAIN, ...args];
  const file = (name: string) => folder.in(join("orouter", name));
  return {
    env,
    command,
    folder,
    file,
    read: (name: string) => Bun.file(file(name)).text(),
    // With the mode that orouter itself sets: a readable file causes a warning.
    write: async (name: string, text: string) => {
      await mkdir(dirname(file(name)), { recursive: true });
      await writeFile(file(name), text, { mode: 0o600 });
    },
    run: async (args: readonly string[], options: RunOptions = {}): Promise<Run> => {
      const child = Bun.spawn(command(args), {
        env: { ...env, ...options.env },
        stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      return { stdout, stderr, exitCode: child.exitCode, signal: child.signalCode };
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

export function keysToml(...keys: Record<string, string | boolean>[]): string {
  const tables = keys.map((key) =>
    Object.entries(key).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
  );
  return tables.map((lines) => ["[[keys]]", ...lines, ""].join("\n")).join("\n");
}
