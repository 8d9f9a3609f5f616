import { expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { orouterBinary } from "./binary.ts";
import { boundedRun } from "./bounded-run.ts";
import { lockedOpencode } from "./opencode-program.ts";
import { LIMIT_MS, type Machine, MODEL, onStage, prompts, RUN, scenario, sceneWithKeys } from "./scenario.ts";
import { until } from "./serve-process.ts";
import { openTerminal } from "./terminal.ts";

const ONLY_2 = { majors: [2] } as const;
const WORDS = "Good day to you.";
const REF = `ollama-cloud/${MODEL}`;
const CTRL_C = "\x03";

const always = (text = WORDS): Scene => sceneWithKeys(["only"], (call) => answer(call, text));

/** An answer that begins and does not end by itself. */
const endless = (): Scene =>
  sceneWithKeys(["only"], (call) =>
    call.isTitle
      ? answer(call, "A title")
      : { kind: "answer", text: `It begins. ${"and goes on ".repeat(500)}`, chunkEveryMs: 200 },
  );

/** The default port is shared by all users of a machine. */
function freePort(): number {
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  return server.port ?? 0;
}

const SERVICE = ".local/state/opencode/service.json";

/** The user's own background service, as plain opencode starts it. */
async function startService(machine: Machine): Promise<string> {
  machine.write("home/.config/opencode/service.json", JSON.stringify({ port: freePort() }));
  expect((await machine.opencode(["service", "start"])).exitCode).toBe(0);
  return readFileSync(join(machine.home, SERVICE), "utf8");
}

/** Our variables in the environment of a process. */
function oursIn(pid: number): string[] {
  return readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((entry) => /^OROUTER_|^OPENCODE_(?:CONFIG|TUI_CONFIG|PLUGIN_META_FILE)/.test(entry));
}

/** Processes of this machine's home that have the variables of a run. */
function processesOf(machine: Machine): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const environ = readFileSync(`/proc/${name}/environ`, "utf8");
      const isOfRun = environ.includes(`HOME=${machine.home}\0`) && environ.includes("OROUTER_RUN_ID=");
      return isOfRun ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

for (const isRunning of [false, true]) {
  const state = isRunning ? "beside a background service" : "with no background service";

  scenario(
    `${state} a prompt goes through orouter, and the service stays as it was`,
    (program) =>
      onStageWithService(program, always(), isRunning, async (machine, registration, upstream) => {
        const run = await boundedRun(machine, ["opencode", "run", "hi"], { limitMs: LIMIT_MS });
        expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${WORDS}\n`, exitCode: 0 });
        expect(prompts(upstream)).toHaveLength(1);
        expect(registration()).toBe(registration.before);
      }),
    ONLY_2,
  );

  scenario(
    `${state} models are those of orouter, too`,
    (program) =>
      onStageWithService(program, always(), isRunning, async (machine, registration) => {
        const run = await boundedRun(machine, ["opencode", "models"], { limitMs: LIMIT_MS });
        expect(run.stdout.split("\n")).toContain(REF);
        expect(run.exitCode).toBe(0);
        expect(registration()).toBe(registration.before);
        await until("the end of its server", () => processesOf(machine).length === 0);
      }),
    ONLY_2,
  );

  scenario(
    `${state} a session over ACP begins with a model of orouter`,
    (program) =>
      onStageWithService(program, always(), isRunning, async (machine, registration, upstream) => {
        const answers = await overAcp(machine, WORDS);
        expect(answers).toContain(`"currentValue":"${REF}"`);
        expect(answers).toContain(WORDS);
        expect(prompts(upstream)).toHaveLength(1);
        expect(registration()).toBe(registration.before);
      }),
    ONLY_2,
  );

  scenario(
    `${state} a run that is killed outright leaves nothing behind`,
    (program) =>
      onStageWithService(program, endless(), isRunning, async (machine, registration, upstream) => {
        const child = machine.startOrouter([...RUN, "hi"]);
        await until("the prompt", () => prompts(upstream).length > 0);
        child.kill("SIGKILL");
        await until("the end of all its processes", () => processesOf(machine).length === 0);
        await until("the end of its folder", () => machine.leftovers().length === 0);
        expect(await child.stderr.text()).toContain("orouter was killed, so opencode was stopped");
        expect(registration()).toBe(registration.before);
      }),
    ONLY_2,
  );

  scenario(
    `${state} two interfaces work side by side`,
    (program) =>
      onStageWithService(program, always(), isRunning, async (machine, registration, upstream) => {
        const open = () =>
          openTerminal([orouterBinary(), "opencode"], machine.project, {
            ...machine.env,
            OPENCODE_DISABLE_AUTOUPDATE: "1",
          });
        // Without a database, opencodes that start together conflict, also without orouter.
        await machine.opencode(["session", "list", "--standalone"]);
        const terminals = [open(), open()];
        for (const [at, terminal] of terminals.entries()) {
          await terminal.sees(MODEL);
          terminal.type(`prompt ${at}`);
          await terminal.sees(`prompt ${at}`);
          terminal.type("\r");
          await terminal.sees(WORDS);
        }
        expect(prompts(upstream)).toHaveLength(2);
        for (const terminal of terminals) {
          terminal.type(CTRL_C);
          await terminal.child.exited;
          expect(terminal.child.exitCode).toBe(0);
        }
        expect(registration()).toBe(registration.before);
      }),
    ONLY_2,
  );
}

scenario(
  "a server behind orouter answers its clients through it, and is no background service",
  (program) =>
    onStageWithService(program, always(), true, async (machine, registration, upstream) => {
      const server = machine.startOrouter(["opencode", "serve", "--port", "0"], {
        env: { OPENCODE_PASSWORD: "scripted-password" },
      });
      const url = await serverUrl(server.stdout);
      const env = { OPENCODE_PASSWORD: "scripted-password" };
      const run = await boundedRun(machine, ["opencode", "run", "--server", url, "hi"], {
        limitMs: LIMIT_MS,
        env,
      });
      expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${WORDS}\n`, exitCode: 0 });
      expect(run.stderr).toContain("only if it was started with orouter opencode serve");
      expect(prompts(upstream)).toHaveLength(1);
      server.kill("SIGTERM");
      await server.exited;
      expect(server.signalCode).toBe("SIGTERM");
      expect(registration()).toBe(registration.before);
    }),
  ONLY_2,
);

scenario(
  "a chain that is added while it runs can be picked at once",
  (program) =>
    onStage(program, always(), "", async (machine, upstream) => {
      const login = { OPENCODE_PASSWORD: "scripted-password" };
      const server = machine.startOrouter(["opencode", "serve", "--port", "0"], { env: login });
      const url = await serverUrl(server.stdout);
      const place = new URLSearchParams({ "location[directory]": machine.project });
      const headers = { authorization: `Basic ${btoa(`opencode:${login.OPENCODE_PASSWORD}`)}` };
      const listed = async (): Promise<string> =>
        (await fetch(`${url}/api/model?${place}`, { headers })).text();
      await until("the models of orouter", async () => (await listed()).includes(`"${MODEL}"`));
      expect(await listed()).not.toContain("added-later");
      machine.configure(
        upstream.baseUrl,
        [{ name: "only", secret: "scripted-only" }],
        `[chains]\nadded-later = ["${REF}"]\n`,
      );
      await until("the new chain", async () => (await listed()).includes('"added-later"'));
      server.kill("SIGTERM");
      await server.exited;
    }),
  ONLY_2,
);

scenario(
  "a plain command starts the background service as a plain opencode does, also within a run",
  (program) =>
    onStage(program, always(), "", async (machine) => {
      machine.write("home/.config/opencode/service.json", JSON.stringify({ port: freePort() }));
      const outer = {
        OROUTER_HOME: "",
        OROUTER_RUN_ID: "outer",
        OROUTER_ADDED: "OPENCODE_DISABLE_FFF",
        OPENCODE_DISABLE_FFF: "1",
        OPENCODE_CONFIG: join(machine.runtime, "orouter/run-1-outer/opencode.json"),
        OPENCODE_CONFIG_CONTENT: '{"x-orouter":{"run":"outer"},"provider":{}}',
      };
      const listed = await boundedRun(machine, ["opencode", "session", "list"], {
        limitMs: LIMIT_MS,
        env: outer,
      });
      expect(listed.exitCode).toBe(0);
      const [pid = 0] = machine.services();
      expect(oursIn(pid)).toEqual([]);
      expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain("OPENCODE_DISABLE_FFF");
      const stopped = await boundedRun(machine, ["opencode", "service", "stop"], { limitMs: LIMIT_MS });
      expect(stopped.exitCode).toBe(0);
      await until("the end of the service", () => !existsSync(join(machine.home, SERVICE)));
    }),
  ONLY_2,
);

scenario(
  "a key that opencode has stored for the same provider stays where it is",
  (program) =>
    onStage(program, always(), "", async (machine, upstream) => {
      const stored = "stored-by-the-user";
      machine.write(
        "home/.local/share/opencode/auth.json",
        JSON.stringify({ "ollama-cloud": { type: "api", key: stored } }),
      );
      // With a history of opencode 1, it takes that key over and prefers it to the one of its configuration.
      await machine.run([lockedOpencode().file, "session", "list"]);
      const provider = {
        options: { baseURL: upstream.baseUrl, apiKey: "scripted-only" },
        models: { [MODEL]: {} },
      };
      await machine.opencode(["run", "--standalone", "-m", REF, "hi"], {
        env: { OPENCODE_CONFIG_CONTENT: JSON.stringify({ provider: { "ollama-cloud": provider } }) },
      });
      expect(prompts(upstream).map((call) => call.key)).toEqual([stored]);
      const run = await boundedRun(machine, [...RUN, "hi"], { limitMs: LIMIT_MS });
      expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${WORDS}\n`, exitCode: 0 });
      expect(run.stderr).not.toContain(stored);
      expect(prompts(upstream).map((call) => call.key)).toEqual([stored, "scripted-only"]);
    }),
  ONLY_2,
);

scenario(
  "the signals that end it end it as they end opencode 1, and others do it no harm",
  (program) =>
    onStage(program, endless(), "", async (machine, upstream) => {
      for (const signal of ["SIGTERM", "SIGHUP"] as const) {
        const seen = prompts(upstream).length;
        const child = machine.startOrouter([...RUN, "hi"]);
        await until("the prompt", () => prompts(upstream).length > seen);
        child.kill("SIGUSR1");
        child.kill("SIGUSR2");
        child.kill(signal);
        await child.exited;
        expect(endOf(child)).toBe(signal);
        expect(machine.leftovers()).toEqual([]);
      }
      expect(readdirSync(machine.project)).toEqual([]);
    }),
  ONLY_2,
);

/** The signal that ended a child, also if a shell in between reports only its code. */
function endOf({ exitCode, signalCode }: Bun.Subprocess): NodeJS.Signals | undefined {
  if (typeof signalCode === "string") return signalCode;
  return exitCode === 129 ? "SIGHUP" : exitCode === 143 ? "SIGTERM" : undefined;
}

interface Registration {
  (): string | undefined;
  before: string | undefined;
}

/** A machine with or without a background service of the user. */
function onStageWithService(
  program: Parameters<typeof onStage>[0],
  scene: Scene,
  isRunning: boolean,
  work: (machine: Machine, registration: Registration, upstream: Upstream) => Promise<void>,
): Promise<void> {
  return onStage(program, scene, "", async (machine, upstream) => {
    const before = isRunning ? await startService(machine) : undefined;
    const read = (): string | undefined => {
      const file = join(machine.home, SERVICE);
      return existsSync(file) ? readFileSync(file, "utf8") : undefined;
    };
    await work(machine, Object.assign(read, { before }), upstream);
    for (const pid of machine.services()) {
      expect(oursIn(pid)).toEqual([]);
    }
    if (isRunning) expect((await machine.opencode(["service", "stop"])).exitCode).toBe(0);
    await until("the end of the service", () => !existsSync(join(machine.home, SERVICE)));
  });
}

type Upstream = Parameters<Parameters<typeof onStage>[3]>[1];

/** Uses ACP to start a session and prompt it; returns all output once these words appear. */
async function overAcp(machine: Machine, words: string): Promise<string> {
  const child = Bun.spawn([orouterBinary(), "opencode", "acp"], {
    cwd: machine.project,
    env: machine.env,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const ask = (id: number, method: string, params: object): void => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    void child.stdin.flush();
  };
  ask(1, "initialize", { protocolVersion: 1, clientCapabilities: {} });
  ask(2, "session/new", { cwd: machine.project, mcpServers: [] });
  let said = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const bytes of child.stdout) said += decoder.decode(bytes, { stream: true });
  })();
  const session = (): string | undefined => /"sessionId":"(ses_\w+)","configOptions"/.exec(said)?.[1];
  await until("a session", () => session() !== undefined);
  ask(3, "session/prompt", { sessionId: session(), prompt: [{ type: "text", text: "hi" }] });
  await until("an answer", () => said.includes(words));
  await until("the end of the turn", () => said.includes('"stopReason"'));
  void child.stdin.end();
  await Promise.all([child.exited, reading]);
  return said;
}

async function serverUrl(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdout.values({ preventCancel: true })) {
    text += decoder.decode(chunk, { stream: true });
    const url = /http:\/\/\S+/.exec(text)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error(`the server did not start: ${text}`);
}
