import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { classify } from "../../../src/core/verdict/classify.ts";

/** Rows of the table next to this file: description | kind and fault | status | body. */
function readRows(): [name: string, verdict: string, status: number, body: string][] {
  const lines = readFileSync(join(import.meta.dir, "classify-replies.txt"), "utf8").split("\n");
  return lines.slice(1).flatMap((line) => {
    const [name, verdict, status, ...body] = line.split(" | ");
    if (name === undefined || verdict === undefined || line.startsWith("#")) return [];
    const value: unknown = JSON.parse(body.join(" | "));
    return [[name, verdict, Number(status), typeof value === "string" ? value : JSON.stringify(value)]];
  });
}

test.each(readRows())("%s means %s", (_name, expected, status, body) => {
  const reply = { provider: "some-service", status, headers: new Headers(), body, expectsAnswer: true };
  const verdict = classify(reply, { userRules: [], secrets: [], nowMs: 0 });
  expect(`${verdict?.kind} ${verdict?.fault}`).toBe(expected);
});
