import { expect } from "bun:test";
import type { Call } from "../../src/demo/call.ts";
import {
  answer,
  contentPolicy,
  type Reply,
  rateLimited,
  subscriptionRequired,
  unauthorized,
} from "../../src/demo/reply.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { orouterBinary } from "./binary.ts";
import { boundedRun } from "./bounded-run.ts";
import { type OpencodeProgram, wordsOf } from "./opencode-program.ts";
import {
  answers,
  count,
  FALLBACK,
  LIMIT_MS,
  type Machine,
  MODEL,
  onStage,
  prompts,
  RUN,
  SECOND,
  scenario,
  sceneWithKeys,
} from "./scenario.ts";
import { openTerminal } from "./terminal.ts";

const TEXT = "One two three four five six seven eight.";

function withKeys(
  program: OpencodeProgram,
  names: readonly string[],
  reply: (call: Call) => Reply,
  work: (machine: Machine, upstream: Upstream) => Promise<void>,
  more = "",
): Promise<void> {
  return onStage(program, sceneWithKeys(names, reply), more, work);
}

/** How long each request waited in the ledger before it had an answer or gave up. */
async function waits(machine: Machine): Promise<number[]> {
  const { stdout } = await machine.orouter(["logs", "--json"]);
  const requests = stdout.trim().split("\n");
  return requests.map((line) => (JSON.parse(line) as { waitedMs: number }).waitedMs);
}

/** Three keys, each refused for its own reason and for a long time. */
const REFUSALS: Record<string, Reply> = {
  limited: rateLimited(600),
  planless: subscriptionRequired(),
  dead: unauthorized(),
};
const REFUSED = Object.keys(REFUSALS);
const refuse = (call: Call): Reply => REFUSALS[call.keyName] ?? unauthorized();

scenario(
  "the first key is limited, the second lacks the plan, the third answers: the answer and nothing else",
  (program) =>
    withKeys(
      program,
      ["a", "b", "c"],
      (call) => [rateLimited(), subscriptionRequired()][call.keyNumber - 1] ?? answer(call, TEXT),
      async (machine, upstream) => {
        const run = await boundedRun(machine, [...RUN, "say the words"], { limitMs: LIMIT_MS });
        expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${TEXT}\n`, exitCode: 0 });
        expect(run.stderr).not.toContain("Error:");
        expect(run.stderr.match(/\[orouter\].*/g)).toEqual([
          expect.stringMatching(/^\[orouter\] 2 requests, \d rotations?, 0 fallbacks$/),
        ]);
        // Prompt and title each need one answer; each asks the two bad keys at most once.
        expect(answers(upstream).length).toBeLessThanOrEqual(6);
      },
    ),
);

scenario(
  "when all refuse the report comes once, in its form, nobody waits, and opencode's exit code stays",
  (program) =>
    withKeys(program, REFUSED, refuse, async (machine, upstream) => {
      const run = await boundedRun(machine, [...RUN, "hi"], { limitMs: LIMIT_MS });
      expect(run.exitCode).toBe(1);
      expect(run.stdout).toBe("");
      expect(await waits(machine)).toEqual([0, 0]);
      expect(run.stderr.match(/Error: /g)).toHaveLength(1);
      const report = run.stderr.split("[orouter] ALL KEYS EXHAUSTED!\n");
      // In the agent, and behind it.
      expect(report).toHaveLength(3);
      expect(report[2]).toMatch(
        new RegExp(
          [
            "^Summary: 3 keys failed\\.",
            "1 invalid, 1 no model access, 1 rate-limited, 0 other errors\\.",
            "Reason: .+",
            "Details:",
            "  1\\. limited \\([0-9a-f]{5}…\\) - 429 on ollama-cloud/gpt-oss:120b",
            "     rate_limit: .+",
            "     Fix: wait until .+, or add a key",
            "  2\\. planless \\([0-9a-f]{5}…\\) - 403 on ollama-cloud/gpt-oss:120b",
            "     subscription_error: ref=[0-9a-f-]{36}",
            "     .+",
            "     Fix: upgrade the plan.+",
            "  3\\. dead \\([0-9a-f]{5}…\\) - 401 on ollama-cloud/gpt-oss:120b",
            "     auth: unauthorized",
            "     Fix: replace the key: orouter keys add",
            "Next: the first key is free again at \\d\\d:\\d\\d \\(in 1[01] m\\)\\.\\n$",
          ].join("\\n"),
        ),
      );
      for (const name of REFUSED) expect(run.stderr).not.toContain(`scripted-${name}`);
      // Each key once for the prompt and once for the title.
      expect(answers(upstream).length).toBeLessThanOrEqual(6);
    }),
);

scenario(
  "limits that name no end are asked about again until max_wait is over; then the report behind a blank line",
  (program) =>
    withKeys(
      program,
      ["a", "b"],
      () => rateLimited(),
      async (machine, upstream) => {
        const run = await boundedRun(machine, [...RUN, "hi"], { limitMs: LIMIT_MS });
        expect(run.exitCode).toBe(1);
        // Each key at once, and again after about 2 and 4 s. Cooldowns found by the title apply to the prompt, too.
        expect(answers(upstream).length).toBeGreaterThan(4);
        expect(answers(upstream).length).toBeLessThanOrEqual(16);
        for (const waitedMs of await waits(machine)) expect(waitedMs).toBeLessThan(10_000);
        expect(run.stderr).toContain("\n\n[orouter] ALL KEYS EXHAUSTED!\nSummary: 2 keys failed.\n");
        expect(run.stderr).toContain("Reason: keys are rate-limited\n");
      },
      '[routing]\nmax_wait = "6s"\n',
    ),
);

scenario("with --format json stdout is nothing but JSON, when all refuse too", (program) =>
  withKeys(program, REFUSED, refuse, async (machine) => {
    const run = await boundedRun(machine, [...RUN, "--format", "json", "hi"], { limitMs: LIMIT_MS });
    expect(run.exitCode).toBe(1);
    const lines = run.stdout.split("\n").filter((line) => line !== "");
    const errors = lines.map((line) => JSON.parse(line)).filter((event) => event.type === "error");
    expect(errors).toHaveLength(1);
    expect(errors[0].error).toMatchObject(wordsOf(program).jsonError);
    expect(run.stderr.match(/ALL KEYS EXHAUSTED!/g)).toHaveLength(1);
  }),
);

scenario("the terminal interface shows once that all refuse, and is idle afterwards", (program) =>
  withKeys(program, REFUSED, refuse, async (machine, upstream) => {
    machine.chooseModel(`ollama-cloud/${MODEL}`);
    const terminal = openTerminal([orouterBinary(), "opencode"], machine.project, machine.env);
    try {
      await terminal.sees("Ask anything");
      terminal.type("say hello");
      await terminal.sees("say hello");
      await terminal.enterUntil("ALL KEYS EXHAUSTED");
      const calls = answers(upstream).length;
      // Only waiting shows that nothing arrives; opencode's own first retry comes after two seconds.
      await Bun.sleep(3_500);
      expect(answers(upstream).length).toBe(calls);
      const screen = await screenWithoutToast(terminal);
      for (const words of ["ALL KEYS EXHAUSTED", ...REFUSED.map((name) => `${name} - `)]) {
        expect([words, count(screen, words)]).toEqual([words, 1]);
      }
      expect(screen).not.toContain("retrying");
      terminal.type("\x03");
      await terminal.child.exited;
      expect(terminal.child.exitCode).toBe(0);
    } finally {
      terminal.child.kill();
      await terminal.child.exited;
    }
  }),
);

/** For a few seconds the error is also in a toast, then only in its final place. */
async function screenWithoutToast(terminal: ReturnType<typeof openTerminal>): Promise<string> {
  for (let tries = 0; ; tries++) {
    terminal.redraw(100, 30 + (tries % 2));
    await terminal.sees("ctrl+p commands");
    const screen = terminal.text();
    // The toast covers the first line of the error, and in opencode 1 it repeats a later line.
    const hasToast = screen.includes("All keys exhausted") || count(screen, `${REFUSED[0]}: `) > 1;
    if (tries === 20 || !hasToast) return screen;
    await Bun.sleep(1_000);
  }
}

scenario(
  "a refusal of the content is shown once, in the provider's words, and no other key or model is asked",
  (program) =>
    withKeys(
      program,
      ["a", "b"],
      (call) => (call.isTitle ? answer(call, TEXT) : contentPolicy()),
      async (machine, upstream) => {
        const run = await boundedRun(machine, [...RUN, "hi"], { limitMs: LIMIT_MS });
        expect(run.exitCode).toBe(1);
        const said = "Error: Your request was rejected as a result of our safety system.";
        expect(run.stderr.split(said)).toHaveLength(2);
        expect(run.stderr).toContain(
          "[orouter] Of 2 requests: 1 refused by the provider. See: orouter logs\n",
        );
        expect(run.stderr).not.toContain("EXHAUSTED");
        expect(prompts(upstream)).toHaveLength(1);
      },
      FALLBACK,
    ),
);

scenario("a model that falls silent in mid-answer is followed by another, and nobody notices", (program) =>
  withKeys(
    program,
    ["a"],
    (call) => {
      const stall = { cut: { afterTokens: 4, how: "stall" } } as const;
      return answer(call, TEXT, call.model === MODEL ? stall : {});
    },
    async (machine, upstream) => {
      const run = await boundedRun(machine, [...RUN, "say the words"], { limitMs: LIMIT_MS });
      expect({ stdout: run.stdout, exitCode: run.exitCode }).toEqual({ stdout: `${TEXT}\n`, exitCode: 0 });
      expect(prompts(upstream).map((call) => call.model)).toEqual([MODEL, SECOND]);
      expect(run.stderr).toMatch(/\[orouter\] 2 requests, 0 rotations, 1 fallback\n/);
    },
    `${FALLBACK}[routing]\nstall_timeout = "1s"\n`,
  ),
);

scenario(
  "a broken answer that no other key tells in the same words is asked for again where that repeats nothing",
  (program) => {
    const other = "Nine ten eleven twelve.";
    let first: string | undefined;
    return withKeys(
      program,
      ["a", "b"],
      (call) => {
        if (call.isTitle) return answer(call, TEXT);
        first ??= call.keyName;
        return call.keyName === first
          ? answer(call, TEXT, { cut: { afterTokens: 4, how: "reset" } })
          : answer(call, other);
      },
      async (machine, upstream) => {
        const run = await boundedRun(machine, [...RUN, "say the words"], { limitMs: LIMIT_MS });
        // opencode 2 would print the first words twice, so its answer ends there, with an error.
        const end =
          program.major === 1
            ? { stdout: `${other}\n`, exitCode: 0, errors: 0 }
            : { stdout: "One two three four\n", exitCode: 1, errors: 1 };
        const errors = count(run.stderr, "Error: ");
        expect({ stdout: run.stdout, exitCode: run.exitCode, errors }).toEqual(end);
        // The broken answer, the one that does not continue it, and both again with growing pauses until max_wait is
        // over.
        expect(prompts(upstream).length).toBeLessThanOrEqual(10);
        expect(prompts(upstream).at(-1)?.body).not.toContain('"content":""');
      },
      '[routing]\nmax_wait = "4s"\n',
    );
  },
);

const MANY = ["a", "b", "c", "d", "e", "f", "g", "h"];

scenario(
  "all prompts of a session use one key, while orouter runs, however late its title comes",
  (program) =>
    withKeys(
      program,
      MANY,
      // The title request runs in parallel on an idle key and must not move the session to that key.
      (call) => (call.isTitle ? { kind: "answer", text: "A title", headAfterMs: 1_300 } : answer(call, TEXT)),
      async (machine, upstream) => {
        const env = { OPENCODE_PASSWORD: "of-this-test" };
        const server = machine.startOrouter(["opencode", "serve", "--port", "0"], { env });
        try {
          const url = await addressIn(server.stdout);
          const attached = ["run", wordsOf(program).attach, url, "-m", `ollama-cloud/${MODEL}`];
          for (const [index, words] of [["one"], ["--continue", "two"], ["--continue", "three"]].entries()) {
            expect((await machine.opencode([...attached, ...words], { env })).exitCode).toBe(0);
            await until(() => prompts(upstream).length > index);
          }
        } finally {
          await stopped(server);
        }
        const calls = prompts(upstream);
        expect(calls).toHaveLength(3);
        expect(new Set(calls.map((call) => call.headers.get("x-session-id") ?? "")).size).toBe(1);
        expect(new Set(calls.map((call) => call.keyName)).size).toBe(1);
      },
    ),
);

/** opencode sometimes ignores the first SIGTERM, so repeat it. */
async function stopped(server: ReturnType<Machine["startOrouter"]>): Promise<void> {
  const telling = setInterval(() => server.kill("SIGTERM"), 500);
  server.kill("SIGTERM");
  await server.exited;
  clearInterval(telling);
}

/** The address in the server's output; the rest of the output is discarded. */
async function addressIn(output: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of output.values({ preventCancel: true })) {
    text += decoder.decode(chunk, { stream: true });
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`the server named no address; it said: ${text}`);
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000 && !condition(); tries++) await Bun.sleep(10);
  if (!condition()) throw new Error("what was waited for did not come");
}
