import { expect, test } from "bun:test";
import { type Reply, rateLimited, subscriptionRequired, unauthorized } from "../../src/demo/reply.ts";
import { type PairOptions, type Rig, withPair } from "./rig.ts";

const GOOD: Reply = { kind: "answer", text: "fine" };
const BROKEN: Reply = { kind: "reset" };

/** The events of one answer after failed attempts. */
async function told(options: PairOptions): Promise<object[]> {
  let moves: object[] = [];
  await withPair(options, async (rig: Rig) => {
    expect(await (await rig.ask()).text()).toContain("fine");
    moves = rig.events.filter(({ kind }) => kind === "rotated" || kind === "fell-back");
  });
  return moves;
}

test("another model is told of, also where one of its own keys failed on the way", async () => {
  const reply = ({ model, nthOfModel }: { model: string; nthOfModel: number }): Reply => {
    if (model === "first") return subscriptionRequired();
    return nthOfModel === 1 ? rateLimited(600) : GOOD;
  };
  expect(await told({ reply, keys: ["one", "two"] })).toEqual([
    { kind: "fell-back", from: "a/first", to: "a/second", why: "subscription" },
  ]);
});

test("models that were skipped on the way are not who was asked", async () => {
  const reply = ({ model }: { model: string }): Reply => {
    if (model === "first") return unauthorized();
    return model === "second" ? rateLimited(600) : GOOD;
  };
  const chain = ["b/first", "a/second", "a/third"];
  expect(await told({ reply, chain })).toEqual([
    { kind: "fell-back", from: "b/first", to: "a/third", why: "auth" },
  ]);
});

test("another key is told of, also where it needed a second try", async () => {
  const replies = [rateLimited(600), BROKEN];
  const reply = ({ nthOfAll }: { nthOfAll: number }): Reply => replies[nthOfAll - 1] ?? GOOD;
  const [move, ...others] = await told({ reply, keys: ["one", "two"], chain: ["a/first"] });
  expect(others).toEqual([]);
  expect(move).toMatchObject({ kind: "rotated", provider: "a", why: "rate-limit", model: "a/first" });
});

test("a second try of the same key is no news", async () => {
  const reply = ({ nthOfAll }: { nthOfAll: number }): Reply => (nthOfAll === 1 ? BROKEN : GOOD);
  expect(await told({ reply, chain: ["a/first"] })).toEqual([]);
});
