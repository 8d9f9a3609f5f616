import { expect } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { boundedRun } from "./bounded-run.ts";
import { contentsOf } from "./machine.ts";
import { lockedOpencode } from "./opencode-program.ts";
import { answers, LIMIT_MS, MODEL, onStage, RUN, scenario, sceneWithKeys } from "./scenario.ts";

const AUTH = "home/.local/share/opencode/auth.json";
const DATABASE = "home/.local/share/opencode/opencode.db";

const FINE = sceneWithKeys(["stored"], () => ({ kind: "answer", text: "All is well." }));

interface Listed {
  provider: string;
  source: string;
  from: string;
}

scenario(
  "a key that opencode has stored itself goes to its own provider alone, and is read from its database",
  (program) =>
    onStage(
      program,
      FINE,
      `[chains]\nmine = ["nvidia/other", "ollama-cloud/${MODEL}"]\n`,
      async (machine, upstream) => {
        const strange: string[] = [];
        using other = Bun.serve({
          port: 0,
          hostname: "127.0.0.1",
          fetch: (request) => {
            strange.push(JSON.stringify(request.headers));
            return Response.json({ error: { message: "overloaded" } }, { status: 503 });
          },
        });
        machine.configure(
          upstream.baseUrl,
          [],
          `[providers.nvidia]\nbase_url = "${other.url.origin}/v1"\nmodels = ["other"]\n[chains]\nmine = ["nvidia/other", "ollama-cloud/${MODEL}"]\n`,
        );
        machine.write(
          "home/.config/orouter/keys.toml",
          '[[keys]]\nprovider = "nvidia"\nname = "own"\nvalue = "key-of-nvidia"\n',
        );
        machine.write(AUTH, JSON.stringify({ "ollama-cloud": { type: "api", key: "scripted-stored" } }));
        // opencode 2 takes over keys only if there is a history of opencode 1.
        await machine.run([lockedOpencode().file, "session", "list"]);
        const list = async (): Promise<Listed[]> => {
          const run = await boundedRun(machine, ["keys", "list", "--json"], { limitMs: LIMIT_MS });
          expect(run.stdout).not.toContain("scripted-stored");
          return (JSON.parse(run.stdout) as { keys: Listed[] }).keys.filter(
            (key) => key.provider === "ollama-cloud",
          );
        };
        for (const args of [RUN, ["opencode", "run", "-m", "orouter/mine"]]) {
          const run = await boundedRun(machine, [...args, "hello"], { limitMs: LIMIT_MS });
          expect(run).toMatchObject({ exitCode: 0, stdout: "All is well.\n" });
        }
        expect(await list()).toMatchObject([{ source: "auth.json" }]);

        // opencode 2 has copied the key into its database; 1.x continues to use the file.
        if (program.major === 2) {
          rmSync(machine.folder.in(AUTH));
          const before = contentsOf(machine.folder.in("home/.local/share/opencode"));
          expect(await list()).toMatchObject([{ source: "opencode.db", from: machine.folder.in(DATABASE) }]);
          expect(contentsOf(machine.folder.in("home/.local/share/opencode"))).toEqual(before);
          const run = await boundedRun(machine, [...RUN, "again"], { limitMs: LIMIT_MS });
          expect(run).toMatchObject({ exitCode: 0, stdout: "All is well.\n" });
          const taken = await boundedRun(machine, ["keys", "import", "--from", "auth", "--json"], {
            limitMs: LIMIT_MS,
          });
          expect(JSON.parse(taken.stdout)).toMatchObject({ added: [{ provider: "ollama-cloud" }] });
          expect(readFileSync(machine.folder.in("home/.config/orouter/keys.toml"), "utf8")).toContain(
            "scripted-stored",
          );
        }
        expect(existsSync(machine.folder.in(AUTH))).toBe(program.major === 1);
        expect(new Set(answers(upstream).map((call) => call.key))).toEqual(new Set(["scripted-stored"]));
        expect(strange.length).toBeGreaterThan(0);
        expect(strange.join()).not.toContain("scripted-stored");
      },
    ),
);
