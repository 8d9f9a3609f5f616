import { expect, test } from "bun:test";
import fc from "fast-check";
import { chainNamed, circleThrough, expandModels } from "../../../src/core/settings/chains.ts";

const CHAINS = {
  coding: ["a/one", "b/two", "a/one"],
  deep: ["c/three", "orouter/coding"],
  round: ["there"],
  there: ["x/y", "round"],
};

test("a chain inside a list is opened in its place, and each model comes once", () => {
  expect(expandModels(["deep", "b/two", "d/four"], CHAINS)).toEqual(["c/three", "a/one", "b/two", "d/four"]);
});

test("a name without a slash and orouter/<name> mean a chain, anything else a model", () => {
  expect([chainNamed("coding"), chainNamed("orouter/coding"), chainNamed("a/b/c")]).toEqual([
    "coding",
    "coding",
    undefined,
  ]);
});

test("a circle is named from its start back to it", () => {
  expect(circleThrough("round", CHAINS)).toEqual(["round", "there", "round"]);
  expect(circleThrough("deep", CHAINS)).toBeUndefined();
});

test("no set of chains, however tangled, keeps the expansion from ending, and only models come out", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const entry = fc.oneof(name, fc.constantFrom("p/x", "p/y", "q/z"));
  fc.assert(
    fc.property(fc.dictionary(name, fc.array(entry)), name, (chains, start) => {
      const models = expandModels([start], chains);
      expect(models.every((model) => model.includes("/"))).toBe(true);
      expect(new Set(models).size).toBe(models.length);
    }),
  );
});
