import { expect, test } from "bun:test";
import { type Limits, withRoomKept } from "../../../src/core/overlay/told-limits.ts";

test.each<[known: Limits, told: Limits]>([
  [
    { context: 16_384, output: 4_096 },
    { context: 32_288, output: 4_096 },
  ],
  [
    { context: 131_072, output: 32_768 },
    { context: 131_072, output: 32_768 },
  ],
  [
    { context: 131_072, output: 32_768, input: 20_000 },
    { context: 131_072, output: 32_768, input: 32_288 },
  ],
  [
    { context: 131_072, output: 32_768, input: 98_304 },
    { context: 131_072, output: 32_768, input: 98_304 },
  ],
])("opencode 2 is told of %j as %j", (known, told) => {
  expect(withRoomKept(known)).toEqual(told);
});
