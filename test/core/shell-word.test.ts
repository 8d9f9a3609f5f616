import { expect, test } from "bun:test";
import fc from "fast-check";
import { shellWord } from "../../src/core/text.ts";

test("a plain path stays as it is", () => {
  expect(shellWord("/home/me/.config/x-1.json")).toBe("/home/me/.config/x-1.json");
});

test("a shell reads every text as the one word it is", () => {
  const text = fc.string({ minLength: 1, maxLength: 20 }).filter((one) => !one.includes("\0"));
  const texts = fc.sample(text, 50);
  const line = `printf '%s\\0' ${texts.map(shellWord).join(" ")}`;
  const { stdout } = Bun.spawnSync(["bash", "-c", line]);
  expect(stdout.toString().split("\0").slice(0, -1)).toEqual(texts);
});
