import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { answer } from "../../src/demo/reply.ts";
import { sceneOf, withUpstream } from "../demo/ask.ts";
import { orouterBinary } from "../e2e/binary.ts";
import { e2eMachine, standIn } from "../e2e/machine.ts";
import { SERVED_MODEL, sharedHome, startServe, until } from "../e2e/serve-process.ts";

const PLANTED = "sk-planted-in-the-environment-5f2c81";
const KEPT = "a-variable-of-the-users-own";

/** Without this power root is treated as any user is; who runs the tests otherwise does not have it. */
const AS_ANYBODY =
  process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"] : [];

/** Processes whose command line has this word. */
function processesWith(word: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);
}

const isLinux = process.platform === "linux";

test("a shell command of the agent finds no key in the environment of orouter, its guards and all others of the run", async () => {
  if (!isLinux) return;
  using machine = e2eMachine();
  // Waits until the guards are there, then reads the environment of every process that came after the test began.
  const script = `for n in $(seq 100); do pgrep -f orouter-guard >/dev/null && break; sleep 0.05; done
sleep 0.3
echo "own $KEPT [$OLLAMA_API_KEY]"
echo "parent $(tr '\\0' '\\n' < /proc/$PPID/environ | grep -c '${KEPT}') $(tr '\\0' '\\n' < /proc/$PPID/environ | grep -c 'OLLAMA_API_KEY')"
for file in /proc/[0-9]*/environ; do grep -qs '${PLANTED}' "$file" && echo "found in $file"; done
echo done`;
  const run = await machine.orouter(["opencode", "run", "hi"], {
    env: { ...standIn(machine, script), KEPT, OLLAMA_API_KEY: PLANTED },
  });
  expect(run.stdout).toBe(`own ${KEPT} []\nparent 1 1\ndone\n`);
  expect(run.exitCode).toBe(0);
});

test("a shell command of the agent cannot open the memory of orouter", async () => {
  if (!isLinux) return;
  using machine = e2eMachine();
  const script = `(: < /proc/$PPID/mem) 2>/dev/null && echo open || echo closed
(: < /proc/$$/mem) && echo own`;
  const run = machine.start([...AS_ANYBODY, orouterBinary(), "opencode", "run", "hi"], {
    env: { ...standIn(machine, script), OLLAMA_API_KEY: PLANTED },
  });
  expect(await run.stdout.text()).toBe("closed\nown\n");
});

test("orouter serve hides its keys too, and still has them when its files change", async () => {
  if (!isLinux) return;
  const scene = {
    ...sceneOf((call) => answer(call, "fine")),
    models: [SERVED_MODEL],
    keys: [{ name: "only", secret: PLANTED }],
  };
  await withUpstream(scene, (before) =>
    withUpstream(scene, async (after) => {
      using machine = e2eMachine();
      machine.env["OLLAMA_API_KEY"] = PLANTED;
      const home = sharedHome(machine, before.baseUrl, []);
      const serve = await startServe(machine, home);
      try {
        const environment = readFileSync(`/proc/${serve.pid}/environ`, "utf8");
        expect(environment).toContain("OLLAMA_API_KEY=");
        expect(environment).not.toContain(PLANTED);
        sharedHome(machine, after.baseUrl, []);
        await until("the new address to be used", async () => {
          await (await serve.ask("one")).text();
          return after.calls.some(({ dialect }) => dialect !== undefined);
        });
        const asked = [...before.calls, ...after.calls].filter(({ dialect }) => dialect !== undefined);
        expect(new Set(asked.map(({ keyName }) => keyName))).toEqual(new Set(["only"]));
      } finally {
        serve.kill("SIGTERM");
        await serve.ended();
      }
    }),
  );
});

test("only what a guard needs is in its environment", async () => {
  if (!isLinux) return;
  using machine = e2eMachine();
  const child = machine.startOrouter(["opencode", "run"], {
    env: { ...standIn(machine, "sleep 30"), OLLAMA_API_KEY: PLANTED, KEPT },
  });
  try {
    const guards = (): number[] =>
      processesWith("goodbye").filter((pid) => environOf(pid).includes(machine.runtime));
    await until("both guards to run", () => guards().length === 2);
    for (const pid of guards()) {
      const names = environOf(pid)
        .split("\0")
        .flatMap((line) => line.split("=", 1))
        .filter((name) => name !== "");
      expect(
        names.filter(
          (name) =>
            !["PATH", "AGENT", "GUARD", "FOLDER", "WORDS", "PWD", "OLDPWD", "_", "SHLVL"].includes(name),
        ),
      ).toEqual([]);
    }
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});

function environOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}
