import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

/** Where `/proc/self/stat` says that the environment begins and ends, counted behind the program's name. */
const ENV_START = 47;
const ENV_END = 48;

/** The option of `prctl` that decides whether other processes of the user may read this one's memory. */
const PR_SET_DUMPABLE = 4;

/**
 * Keeps keys that came in variables from other processes of the user, a shell command inside the agent above all. The
 * variables are overwritten where `/proc/PID/environ` reads them. Then the system is asked to close our memory to
 * `/proc/PID/mem` and debuggers. Whoever still needs the values must have copied `process.env` before.
 */
export async function hideVariables(names: readonly string[]): Promise<void> {
  for (const name of names) delete process.env[name];
  // Elsewhere the system has no such file, or no way to close it: SECURITY.md says what is left open there.
  if (process.platform !== "linux") return;
  try {
    if (names.length > 0) overwrite(new Set(names));
  } catch {
    // Without /proc there is nothing to read the variables from.
  }
  await closeMemory();
}

function overwrite(names: ReadonlySet<string>): void {
  const stat = readFileSync("/proc/self/stat", "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const start = Number(fields[ENV_START]);
  const memory = openSync("/proc/self/mem", "r+");
  try {
    const bytes = Buffer.alloc(Number(fields[ENV_END]) - start);
    readSync(memory, bytes, 0, bytes.length, start);
    for (const { from, to } of valuesOf(bytes, names)) {
      writeSync(memory, Buffer.alloc(to - from, "x"), 0, to - from, start + from);
    }
  } finally {
    closeSync(memory);
  }
}

/** Where the values of the named variables are in a block of `NAME=value` texts, each with a zero byte at its end. */
function valuesOf(block: Buffer, names: ReadonlySet<string>): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (let at = 0; at < block.length; ) {
    const zero = block.indexOf(0, at);
    const to = zero < 0 ? block.length : zero;
    const equals = block.indexOf("=", at, "latin1");
    if (equals >= at && equals < to && names.has(block.toString("utf8", at, equals))) {
      found.push({ from: equals + 1, to });
    }
    at = to + 1;
  }
  return found;
}

async function closeMemory(): Promise<void> {
  try {
    const { dlopen } = await import("bun:ffi");
    // musl takes this name for itself.
    const libc = dlopen("libc.so.6", {
      prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    });
    libc.symbols.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  } catch {
    // A system without this library runs orouter all the same; the variables are gone either way.
  }
}
