import { expect, test } from "bun:test";
import fc from "fast-check";
import { commonOf, commonTraits } from "../../../src/core/catalog/catalog.ts";
import { type ModelTraits, UNKNOWN_TRAITS } from "../../../src/core/catalog/model-list.ts";

const traits = (some: Partial<ModelTraits>): ModelTraits => ({ ...UNKNOWN_TRAITS, ...some });

test.each<[name: string, members: Partial<ModelTraits>[], expected: Partial<ModelTraits>]>([
  [
    "limits are the smallest",
    [
      { context: 10, output: 4 },
      { context: 8, output: 6 },
    ],
    { context: 8, output: 4 },
  ],
  ["an output that nobody knows stays unknown", [{ context: 10 }, { context: 8 }], { context: 8 }],
  ["an input limit holds when all have one", [{ input: 5 }, { input: 4 }], { input: 4 }],
  ["an input limit of one does not bind the others", [{ input: 5 }, {}], {}],
  ["tools count when all have them", [{ toolCall: true }, { toolCall: true }], { toolCall: true }],
  ["tools do not count when one lacks them", [{ toolCall: true }, { toolCall: false }], { toolCall: false }],
  ["tools that one says nothing about are unknown", [{ toolCall: true }, {}], {}],
  [
    "images count when all take them",
    [{ inputs: ["text", "image"] }, { inputs: ["text"] }],
    { inputs: ["text"] },
  ],
  ["of a silent member only text is expected", [{ inputs: ["text", "image"] }, {}], { inputs: ["text"] }],
  [
    "there is no price, since any of them may answer",
    [{ cost: { input: 1, output: 1, cacheRead: undefined, cacheWrite: undefined } }],
    {},
  ],
  ["of no members nothing is known", [], {}],
])("%s", (_name, members, expected) => {
  expect(commonTraits(members.map(traits))).toEqual(traits(expected));
});

test("no common limit is larger than that of any member", () => {
  const limit = fc.option(fc.integer({ min: 1, max: 2_000_000 }), { nil: undefined });
  const member = fc.record({ context: limit, output: limit, input: limit }).map(traits);
  fc.assert(
    fc.property(fc.array(member, { minLength: 1 }), (members) => {
      const common = commonTraits(members);
      for (const name of ["context", "output", "input"] as const) {
        for (const one of members) expect((common[name] ?? 0) <= (one[name] ?? Infinity)).toBe(true);
      }
    }),
  );
});

test("members that nothing is known about are left out and told", () => {
  const known: Record<string, ModelTraits> = {
    a: traits({ context: 9, toolCall: true }),
    named: UNKNOWN_TRAITS,
  };
  expect(commonOf(["a", "named", "gone"], (member) => known[member])).toEqual({
    traits: traits({ context: 9, toolCall: true }),
    leftOut: ["named", "gone"],
  });
});
