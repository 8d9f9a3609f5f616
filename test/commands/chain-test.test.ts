import { expect, test } from "bun:test";
import { fingerprint } from "../../src/core/key.ts";
import { rateLimited, subscriptionRequired, usageLimit } from "../../src/demo/reply.ts";
import { chainMachine } from "./chain-machine.ts";
import { tempMachine } from "./orouter.ts";

const moment = expect.any(Number);
const BEST = "gpt-oss:120b";

test("chain test tells each hop, and who answered", async () => {
  await using machine = await chainMachine((call) =>
    call.model === BEST ? subscriptionRequired() : undefined,
  );
  const { stdout, exitCode } = await machine.run(["chain", "test", "coding"]);
  expect(exitCode).toBe(0);
  const lines = stdout.split("\n").map((line) => line.trim());
  expect(lines[0]).toMatch(/^1\. work\/gpt-oss:120b with key (first|second)$/);
  expect(lines[1]).toMatch(
    /^not in the plan \(403\) after .*, cools down for 5 h, until .*: this model requires a sub/,
  );
  expect(lines[2]).toMatch(/^2\. work\/gpt-oss:120b with key (first|second)$/);
  expect(lines[2]?.slice(2)).not.toBe(lines[0]?.slice(2));
  expect(lines[4]).toMatch(/^3\. work\/gemma4:31b with key /);
  expect(lines[5]).toMatch(/^answers, first token after \d/);
  expect(lines[6]).toMatch(/^work\/gemma4:31b answered for coding with key (first|second), on attempt 3\.$/);
  expect(lines[7]).toMatch(/^First token after .*, all of it after .*\.$/);
  expect(lines[8]).toBe("It said: OK");
  expect(machine.upstream.calls.filter((call) => call.dialect === "chat")).toHaveLength(3);
});

test("each hop is on the screen before the next one is over", async () => {
  const { promise: isSeen, resolve: see } = Promise.withResolvers<void>();
  await using machine = await chainMachine((call) => {
    if (call.model === BEST) return subscriptionRequired();
    return { kind: "answer", text: "OK", headAfterMs: 60_000 };
  });
  const child = Bun.spawn(machine.command(["chain", "test", "coding"]), {
    env: machine.env,
    stdout: "pipe",
    stderr: "ignore",
  });
  let shown = "";
  const reading = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      shown += chunk;
      if (shown.includes("3. work/gemma4:31b")) see();
    }
  })();
  await isSeen;
  expect(shown.match(/not in the plan \(403\)/g)).toHaveLength(2);
  child.kill("SIGINT");
  await reading;
  await child.exited;
  expect(child.exitCode).toBe(1);
});

test("chain test --json has the documented shape", async () => {
  await using machine = await chainMachine((call) =>
    call.model === BEST ? subscriptionRequired() : undefined,
  );
  const { stdout, exitCode } = await machine.run(["chain", "test", "coding", "--json"]);
  expect(exitCode).toBe(0);
  const attempt = {
    atMs: moment,
    model: "work/gpt-oss:120b",
    keyName: expect.any(String),
    fingerprint: expect.any(String),
    status: 403,
    verdict: "subscription",
    durationMs: moment,
    message: expect.stringContaining("requires a subscription"),
  };
  expect(JSON.parse(stdout)).toEqual({
    asked: "orouter/coding",
    answered: true,
    model: "work/gemma4:31b",
    key: expect.any(String),
    firstTokenMs: moment,
    durationMs: moment,
    text: "OK",
    error: null,
    attempts: [
      attempt,
      attempt,
      { ...attempt, model: "work/gemma4:31b", status: 200, verdict: "ok", message: "" },
    ],
  });
});

test("when nobody answers it is said why, and the exit code is 1", async () => {
  await using machine = await chainMachine(() => usageLimit("weekly"));
  const run = await machine.run(["chain", "test", "work/gemma4:31b"]);
  expect(run.exitCode).toBe(1);
  expect(run.stdout).toContain("No model answered for work/gemma4:31b.");
  expect(run.stdout).toContain("ALL KEYS EXHAUSTED");
  expect(run.stdout + run.stderr).not.toContain("scripted-first");
  const again = await machine.run(["chain", "test", "work/gemma4:31b", "--json"]);
  expect(again.exitCode).toBe(1);
  // The second test uses the cooldowns of the first: a key in cooldown is not asked again.
  expect(JSON.parse(again.stdout)).toMatchObject({ answered: false, model: null, text: null, attempts: [] });
  const { keys } = JSON.parse((await machine.run(["status", "--json"])).stdout);
  expect(keys[0]).toMatchObject({
    fingerprint: fingerprint("scripted-first"),
    state: "cooling-down",
    why: "quota",
  });
});

test("keys that cool down are named before the request is sent", async () => {
  await using machine = await chainMachine((call) => (call.model === BEST ? rateLimited(3600) : undefined));
  await machine.run(["chain", "test", "coding"]);
  const { stdout, stderr, exitCode } = await machine.run(["chain", "test", "coding"]);
  expect(stderr).toMatch(/Skipped: work\/gpt-oss:120b, cooling down until /);
  expect(stdout).toMatch(/^ {2}1\. work\/gemma4:31b with key /);
  expect(exitCode).toBe(0);
});

test("without a key there is nobody to ask", async () => {
  using machine = tempMachine();
  await machine.write("config.toml", '[models_dev]\nenabled = false\n[chains]\ncoding = ["nvidia/a"]\n');
  const run = await machine.run(["chain", "test", "coding"]);
  expect(run.exitCode).toBe(4);
  expect(run.stderr).toContain("orouter keys add");
});
