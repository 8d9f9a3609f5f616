import { expect, test } from "bun:test";
import { allProviders } from "../../src/core/settings/settings.ts";
import type { Answer } from "../../src/demo/reply.ts";
import { HandSwitched, type SnapshotInput } from "../../src/proxy/snapshot.ts";
import { keyNamed, type Rig, until, withPair } from "./rig.ts";

const GOOD: Answer = { kind: "answer", text: "fine" };

function inputWith(rig: Rig, names: string[], more: Partial<SnapshotInput> = {}): SnapshotInput {
  return {
    providers: new Map(allProviders(rig.settings).map((provider) => [provider.id, provider])),
    keys: names.map((name) => keyNamed("a", name)),
    knownModels: [],
    policy: rig.settings.routing,
    quota: rig.settings.quota,
    ...more,
  };
}

test("a request keeps its terms, and the next goes by the new ones", () =>
  withPair({ reply: () => GOOD, chain: ["a/first"] }, async (rig, upstream) => {
    const before = rig.router.snapshot;
    expect((await rig.ask()).headers.get("x-orouter-key")).toBe("one");
    rig.router.follow(inputWith(rig, ["other"]));
    expect((await rig.ask()).headers.get("x-orouter-key")).toBe("other");
    expect(before.keysOf("a").map((key) => key.name)).toEqual(["one"]);
    expect(rig.events.filter((event) => event.kind === "settings-taken")).toHaveLength(1);
    rig.router.follow(inputWith(rig, []));
    const refused = await rig.ask();
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("no key for a")]);
    expect(upstream.calls.length).toBe(2);
  }));

test("a request that waits is answered by the keys it began with", () => {
  const limited = { kind: "error", status: 429, body: {}, headers: { "retry-after": "1" } } as const;
  return withPair(
    { reply: (call) => (call.nthOfAll === 1 ? limited : GOOD), chain: ["a/first"] },
    async (rig) => {
      const asked = rig.ask();
      await until(() => rig.router.queue.length === 1);
      rig.router.follow(inputWith(rig, ["other"]));
      expect((await asked).headers.get("x-orouter-key")).toBe("one");
    },
  );
});

test("a key switched off by hand stays off until its file says something else of it", () => {
  const byHand = new HandSwitched();
  const key = (enabled: boolean) => ({ ...keyNamed("a", "one"), enabled });
  const isOn = (inFile: boolean): boolean | undefined => byHand.over([key(inFile)])[0]?.enabled;
  expect(isOn(true)).toBe(true);
  byHand.note(key(true), false);
  expect(isOn(true)).toBe(false);
  // The file has caught up, so from now on it decides again.
  expect(isOn(false)).toBe(false);
  expect(isOn(true)).toBe(true);
  byHand.note(key(true), false);
  byHand.note(key(false), true);
  expect(isOn(true)).toBe(true);
});
