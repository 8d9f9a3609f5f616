import { expect, test } from "bun:test";
import { readConversation } from "../../scripts/chaos/conversation.ts";
import { Injector } from "../../scripts/chaos/injector.ts";
import { PROFILES, type Profile } from "../../scripts/chaos/profiles.ts";
import { taskOf } from "../../scripts/chaos/task.ts";

function profileNamed(name: string): Profile {
  const profile = PROFILES[name];
  if (!profile) throw new Error(`no profile ${name}`);
  return profile;
}

const TOOLS = [{ type: "function", function: { name: "bash", parameters: { properties: { command: {} } } } }];

function request(model: string, messages: unknown[] = [{ role: "user", content: "go" }]) {
  return readConversation("chat", JSON.stringify({ model, stream: true, messages, tools: TOOLS }));
}

function injector(profile: Profile, seed: number) {
  const steps = taskOf(seed, "/project").steps;
  const models = Array.from({ length: profile.models }, (_, nth) => `model-${nth + 1}`);
  const script = { steps, progress: () => ({ step: 0, done: new Set<number>(), problems: [] }) };
  return new Injector({ profile, seed, script, models });
}

function labels(profile: Profile, seed: number, secrets: readonly string[]): string[] {
  const one = injector(profile, seed);
  return Array.from({ length: 24 }, (_, nth) => {
    const secret = secrets[nth % secrets.length] ?? "";
    const { reply } = one.answer({
      secret,
      conversation: request(`model-${(nth % 2) + 1}`),
      atMs: nth * 10_000,
    });
    return reply.label;
  });
}

test("one seed decides the same for every call, whatever the keys are called and whichever comes first", () => {
  const p40 = profileNamed("p40");
  expect(labels(p40, 7, ["a", "b", "c"])).toEqual(labels(p40, 7, ["c", "x", "a"]));
  expect(labels(p40, 7, ["a", "b", "c"])).not.toEqual(labels(p40, 8, ["a", "b", "c"]));
});

test("a lane that keeps being asked answers at last, and a living lane is always left", () => {
  for (const name of ["p60", "limits", "stalls-3x1", "one-lane", "hollow"]) {
    const profile = { ...profileNamed(name), share: 1 };
    for (let seed = 1; seed <= 20; seed++) {
      const one = injector(profile, seed);
      expect(one.isSolvable(profile.keys, profile.models)).toBe(true);
      const kinds: string[] = [];
      for (let nth = 0; nth < 8 * profile.keys * profile.models; nth++) {
        const model = `model-${(nth % profile.models) + 1}`;
        const secret = `key ${Math.floor(nth / profile.models) % profile.keys}`;
        kinds.push(one.answer({ secret, conversation: request(model), atMs: nth * 60_000 }).note.kind);
      }
      expect(kinds.filter((kind) => kind === "fault").length).toBeLessThanOrEqual(5);
      expect(kinds).toContain("good");
    }
  }
});

test("a session without a living lane is not called solvable", () => {
  const profile = profileNamed("hopeless");
  expect(injector(profile, 1).isSolvable(profile.keys, profile.models)).toBe(false);
});

test("asking a lane again that has refused for good is noted, a call that was under way is not", () => {
  const one = injector(profileNamed("hopeless"), 1);
  const ask = (atMs: number) =>
    one.answer({ secret: "a", conversation: request("model-1"), atMs }).note.asked;
  expect([ask(1000), ask(1100), ask(2000)]).toEqual(["", "", "dead"]);
});

test("an outage stops every lane from its step on, until its time is over", () => {
  const outages = { count: 1, fromMs: 5000, toMs: 5000 };
  const { steps } = taskOf(3, "/project");
  let step = -1;
  const one = new Injector({
    profile: { ...profileNamed("calm"), outages },
    seed: 3,
    script: { steps, progress: () => ({ step, done: new Set<number>(), problems: [] }) },
    models: ["model-1"],
  });
  const at = (atMs: number) =>
    one.answer({ secret: `key of ${atMs}`, conversation: request("model-1"), atMs }).note.kind;
  expect(at(0)).toBe("good");
  step = steps.length - 1;
  expect([1000, 5000, 6001].map(at)).toEqual(["fault", "fault", "good"]);
});

test("a service that refuses a final assistant message answers 400, another goes on from it", () => {
  const messages = [
    { role: "user", content: "go" },
    { role: "assistant", content: "Step" },
  ];
  const ask = (prefill: Profile["prefill"]) =>
    injector({ ...profileNamed("calm"), prefill }, 1).answer({
      secret: "a",
      conversation: request("model-1", messages),
      atMs: 0,
    }).reply.label;
  expect(ask(["refuse"])).toBe("refused: final assistant message");
  expect(ask(["continue"])).toBe("good");
});

test("the final text is torn once, and every answer behind it begins in other words", () => {
  const { steps } = taskOf(2, "/project");
  const step = steps.length - 1;
  const script = { steps, progress: () => ({ step, done: new Set<number>(), problems: [] }) };
  const one = new Injector({ profile: profileNamed("torn"), seed: 2, script, models: ["model-1"] });
  const replies = Array.from(
    { length: 5 },
    (_, nth) => one.answer({ secret: `${nth}`, conversation: request("model-1"), atMs: nth }).reply,
  );
  expect(replies.map(({ label }) => label)).toEqual(["torn text", "good", "good", "good", "good"]);
  const text = (nth: number) =>
    JSON.stringify(replies[nth]?.actions).match(/content\\\\?":\\\\?"([A-Z][a-z]+)/)?.[1];
  expect(text(0)).toBe("All");
  for (const nth of [1, 2, 3, 4]) expect(["Now", "So"]).toContain(text(nth) ?? "nothing");
});

test("so many keys are silent for good, and the living one is not among them", () => {
  const profile = profileNamed("silent-keys");
  for (let seed = 1; seed <= 20; seed++) {
    const one = injector(profile, seed);
    const labels = ["a", "b", "c", "d"].map(
      (secret, nth) => one.answer({ secret, conversation: request("model-1"), atMs: nth }).reply.label,
    );
    expect(labels.toSorted()).toEqual(["good", "good", "silent key", "silent key"]);
  }
});
