import { expect, test } from "bun:test";
import type { Dialect } from "../../src/core/dialect/registry.ts";
import { readAsked } from "../../src/demo/call.ts";
import { type Reply, unauthorized, usageLimit } from "../../src/demo/reply.ts";
import { createTally, storyLine } from "../../src/demo/story.ts";

const SECRET = "scripted-secret";

function line(reply: Reply, content = "hi", dialect: Dialect | "none" = "chat", secret = SECRET): string {
  const body =
    dialect !== "none" ? JSON.stringify({ model: "m", messages: [{ role: "user", content }] }) : "";
  const headers = new Headers({ authorization: `Bearer ${secret}` });
  const parts = { method: "GET", path: "/v1/models", headers, body, atMs: 0 };
  const call = createTally([{ name: "work", secret: SECRET }]).arrive(
    readAsked(parts, dialect === "none" ? undefined : dialect),
  );
  return storyLine(call, reply);
}

test.each<[reply: Reply, expected: string]>([
  [unauthorized(), "key work · m · 401 unauthorized"],
  [usageLimit("weekly"), "key work · m · 429 weekly limit reached"],
  [{ kind: "error", status: 599, body: "" }, "key work · m · 599 no good"],
  [{ kind: "answer", text: "two words" }, "key work · m · 200 answer of 2 tokens"],
  [
    { kind: "answer", text: "", toolCalls: [{ name: "read", arguments: "{}" }] },
    "key work · m · 200 call of read",
  ],
  [
    { kind: "answer", text: "", cut: { afterTokens: 2, how: "stall" } },
    "key work · m · 200, then silence after 2 tokens",
  ],
  [
    { kind: "answer", text: "", cut: { afterTokens: 1, how: "error-event" } },
    "key work · m · 200, then error event after 1 token",
  ],
  [{ kind: "hang" }, "key work · m · silence"],
  [{ kind: "reset" }, "key work · m · connection reset"],
  [{ kind: "raw", status: 200, chunks: [] }, "key work · m · 200 odd body"],
])("%j reads well", (reply, expected) => {
  expect(line(reply)).toBe(expected);
});

test("a title is named as one", () => {
  expect(line({ kind: "answer", text: "hi" }, "Generate a title for this")).toEndWith(
    " · for the session's title",
  );
});

test("a call without a model is named by its path", () => {
  expect(line({ kind: "models", ids: ["a", "b"] }, "", "none")).toBe("GET /v1/models · 200 2 models");
});

test("a key that nobody knows is not shown", () => {
  expect(line(unauthorized(), "hi", "chat", "stranger")).toBe("key unknown · m · 401 unauthorized");
});
