import { describe, expect, test } from "bun:test";
import {
  type BrokenAnswer,
  brokenEvent,
  type FinalFailure,
  type ProfileName,
} from "../../../src/core/client/client-profile.ts";
import { profileByUserAgent, profileFor } from "../../../src/core/client/profiles.ts";
import type { Dialect } from "../../../src/core/dialect/registry.ts";
import { ownWords, type ProviderWords } from "../../../src/core/scrub.ts";
import { defaultSettings } from "../../../src/core/settings/settings.ts";

const OPENCODE: ProfileName[] = ["opencode1", "opencode2"];

test.each<[userAgent: string | null, profile: ProfileName]>([
  ["opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14", "opencode1"],
  ["opencode/latest/2.0.15/cli", "opencode2"],
  ["opencode/next/0.0.0-next-16350/cli", "opencode2"],
  ["claude-cli/2.1.332 (external, cli)", "claude"],
  ["codex_exec/0.171.0 (Debian 12; x86_64) xterm", "codex"],
  ["codex-tui/0.171.0 (Debian 12; x86_64)", "codex"],
  ["opencode", "neutral"],
  ["my opencode/1.18.33", "neutral"],
  ["OpenAI/JS 7.59.0", "neutral"],
  ["", "neutral"],
  [null, "neutral"],
])("the user-agent %j is that of %s", (userAgent, name) => {
  expect(profileByUserAgent(userAgent)).toBe(profileFor(name));
  expect(profileFor(name).name).toBe(name);
});

const MESSAGE = ownWords("no more");
const FAILURES: FinalFailure[] = [
  { why: "exhausted", message: MESSAGE, freeInMs: 41_200 },
  { why: "exhausted", message: MESSAGE, freeInMs: undefined },
  { why: "not-routable", message: MESSAGE, status: 404 },
  { why: "refused", message: MESSAGE },
  { why: "too-many-open", message: MESSAGE },
  { why: "bug", message: MESSAGE },
];

describe("the error before any byte", () => {
  for (const name of OPENCODE) {
    test.each(FAILURES)(`is one that ${name} shows once: %j`, (failure) => {
      expect(profileFor(name).finalError(failure, "chat")).toEqual({
        status: 400,
        headers: { "x-should-retry": "false" },
        body: { error: { message: MESSAGE, type: "invalid_request_error", code: "invalid_prompt" } },
      });
    });
  }

  test.each<[failure: FinalFailure, status: number, headers: object, type: string]>([
    [
      { why: "exhausted", message: MESSAGE, freeInMs: 41_200 },
      429,
      { "retry-after": "42" },
      "rate_limit_error",
    ],
    [{ why: "exhausted", message: MESSAGE, freeInMs: 0 }, 429, { "retry-after": "1" }, "rate_limit_error"],
    [{ why: "exhausted", message: MESSAGE, freeInMs: undefined }, 503, {}, "server_error"],
    [{ why: "not-routable", message: MESSAGE, status: 404 }, 404, {}, "invalid_request_error"],
    [{ why: "refused", message: MESSAGE }, 400, {}, "invalid_request_error"],
    [{ why: "too-many-open", message: MESSAGE }, 503, {}, "server_error"],
    [{ why: "bug", message: MESSAGE }, 500, {}, "server_error"],
  ])("tells any other client what plain HTTP has for it: %j", (failure, status, headers, type) => {
    const reply = profileFor("neutral").finalError(failure, undefined);
    expect(reply).toMatchObject({ status, headers, body: { error: { message: MESSAGE, type } } });
    expect(Object.keys(reply.headers)).toEqual(Object.keys(headers));
  });

  test("is reworded for opencode only", () => {
    const failure: FinalFailure = { why: "bug", message: "503 Service Unavailable" };
    expect(profileFor("neutral").finalError(failure, "chat").body).toMatchObject({
      error: { message: failure.message },
    });
    expect(profileFor("opencode2").finalError(failure, "chat").body).toMatchObject({
      error: { message: "5\u200a03 not available" },
    });
  });
});

function eventsIn(text: string): { name: string | undefined; data: unknown }[] {
  expect(text).toEndWith("\n\n");
  return text
    .slice(0, -2)
    .split("\n\n")
    .map((event) => ({
      name: /^event: (.*)$/m.exec(event)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? "") as unknown,
    }));
}

describe("Claude Code", () => {
  const claude = profileFor("claude");

  test.each(FAILURES)("hears of a failure in a status that it neither repeats nor varies: %j", (failure) => {
    const { status, headers } = claude.finalError(failure, undefined);
    if (failure.why === "refused") expect(status).toBe(400);
    else if (failure.why === "too-many-open") expect(status).toBe(529);
    else expect({ status, headers }).toEqual({ status: 402, headers: { "x-should-retry": "false" } });
  });

  test("shortens a conversation on its own words for one that is too long", () => {
    const overflow = (message: ProviderWords) =>
      claude.overflow({ message, asked: "m", inARow: 3 }, undefined);
    expect(overflow(ownWords("too much")).body).toMatchObject({
      error: { message: "prompt is too long: too much" },
    });
    expect(overflow(ownWords("Prompt is too long: 9")).body).toMatchObject({
      error: { message: "Prompt is too long: 9" },
    });
  });

  const settings = (more: object, chains: Record<string, string[]> = {}) => {
    const defaults = defaultSettings();
    return { chains, agents: { ...defaults.agents, claude: { ...defaults.agents.claude, ...more } } };
  };

  test.each<[name: string, own: object, chains: Record<string, string[]>, hasKey: boolean, meant: string]>([
    ["claude-opus-5-5", { opus: "a/big" }, {}, true, "a/big"],
    ["claude-haiku-4-5-20251001", { opus: "a/big", model: "a/b" }, {}, true, "a/b"],
    ["claude-sonnet-5", {}, { coding: ["a/b"] }, false, "orouter/coding"],
    ["claude-sonnet-5", {}, { coding: ["a/b"] }, true, "anthropic/claude-sonnet-5"],
    ["claude-sonnet-5", {}, { "claude-sonnet-5": ["a/b"] }, true, "claude-sonnet-5"],
    ["claude-sonnet-5", {}, {}, false, "claude-sonnet-5"],
    ["orouter/coding", { opus: "a/big" }, {}, true, "orouter/coding"],
  ])(
    "by %s with %j and the chains %j it means (Anthropic key: %p) %s",
    (name, own, chains, hasKey, meant) => {
      const sources = { settings: settings(own, chains), hasKey: () => hasKey };
      expect(claude.modelNamed?.(name, sources)).toBe(meant);
    },
  );
});

describe("Codex", () => {
  const codex = profileFor("codex");

  test.each(FAILURES)("hears of a failure in a status that it shows at once: %j", (failure) => {
    expect(codex.finalError(failure, "responses").status).toBe(failure.why === "too-many-open" ? 503 : 400);
  });

  test("is told to stop by invalid_prompt, and to ask again by server_error", () => {
    const failed = (text: string) => eventsIn(text).at(-1)?.data;
    expect(failed(codex.finalEvent(MESSAGE, "responses"))).toMatchObject({
      type: "response.failed",
      response: { error: { code: "invalid_prompt", message: MESSAGE } },
    });
    expect(failed(codex.askAgainEvent(MESSAGE, "responses"))).toMatchObject({
      response: { error: { code: "server_error" } },
    });
  });
});

describe("the event that ends a stream", () => {
  test("is JSON within the message for opencode 1, which reads nothing else of it", () => {
    const profile = profileFor("opencode1");
    for (const [event, code] of [
      [profile.finalEvent(MESSAGE, "chat"), "invalid_prompt"],
      [profile.askAgainEvent(MESSAGE, "chat"), "server_error"],
    ] as const) {
      const [{ data } = { data: undefined }] = eventsIn(event);
      const { error } = data as { error: { message: string } };
      expect(JSON.parse(error.message)).toEqual({ type: "error", error: { code, message: MESSAGE } });
    }
  });

  test.each<[profile: ProfileName, final: object, again: object]>([
    [
      "opencode2",
      { message: MESSAGE, type: "invalid_request_error", code: "invalid_prompt" },
      { message: MESSAGE, type: "server_error", code: "server_error" },
    ],
    [
      "neutral",
      { message: MESSAGE, type: "invalid_request_error", code: "answer_broken" },
      { message: MESSAGE, type: "server_error", code: "server_error" },
    ],
  ])("is a plain error for %s", (name, final, again) => {
    const profile = profileFor(name);
    expect(eventsIn(profile.finalEvent(MESSAGE, "chat"))).toEqual([
      { name: undefined, data: { error: final } },
    ]);
    expect(eventsIn(profile.askAgainEvent(MESSAGE, "chat"))).toEqual([
      { name: undefined, data: { error: again } },
    ]);
  });

  test.each<[profile: ProfileName, names: string[], code: string]>([
    ["opencode1", ["error"], "invalid_prompt"],
    ["opencode2", ["error", "response.failed"], "invalid_prompt"],
    ["neutral", ["error", "response.failed"], "answer_broken"],
  ])("of a Responses stream has the events that %s knows", (name, names, code) => {
    const events = eventsIn(profileFor(name).finalEvent(MESSAGE, "responses"));
    expect(events.map((event) => event.name)).toEqual(names);
    const [error, failed] = events.map((event) => event.data);
    expect(error).toMatchObject({ type: "error", error: { code, message: MESSAGE } });
    if (failed !== undefined)
      expect(failed).toMatchObject({ response: { status: "failed", error: { code, message: MESSAGE } } });
  });
});

const BROKEN: BrokenAnswer = {
  dialect: "chat",
  message: MESSAGE,
  isFinal: false,
  hasOutput: true,
  inARow: 1,
  isElsewhereLeft: false,
};

test.each<[profile: ProfileName, broken: Partial<BrokenAnswer>, end: "again" | "final"]>([
  ["opencode1", {}, "again"],
  ["opencode1", { hasOutput: false }, "again"],
  ["opencode1", { isFinal: true }, "final"],
  ["opencode2", {}, "final"],
  ["opencode2", { hasOutput: false }, "again"],
  ["opencode2", { hasOutput: false, isFinal: true }, "final"],
  ["neutral", {}, "final"],
  ["neutral", { hasOutput: false }, "again"],
])("a broken answer ends for %s, with %j, in: %s", (name, given, end) => {
  const profile = profileFor(name);
  const broken = { ...BROKEN, ...given };
  const expected =
    end === "again" ? profile.askAgainEvent(MESSAGE, "chat") : profile.finalEvent(MESSAGE, "chat");
  expect(brokenEvent(profile, broken)).toBe(expected);
});

test.each<ProfileName>(["opencode1", "opencode2", "neutral"])(
  "%s is told to stop when its answers break again and again",
  (name) => {
    const profile = profileFor(name);
    const inARow = profile.brokenInARow;
    const event = brokenEvent(profile, { ...BROKEN, hasOutput: false, inARow });
    expect(event).toBe(profile.finalEvent(`${MESSAGE}, ${inARow} times in a row.`, "chat"));
  },
);

test.each<[profile: ProfileName, inARow: number, code: string]>([
  ["opencode1", 1, "context_length_exceeded"],
  ["opencode1", 2, "invalid_prompt"],
  ["opencode2", 1, "context_length_exceeded"],
  ["opencode2", 2, "invalid_prompt"],
  ["neutral", 1, "context_length_exceeded"],
  ["neutral", 9, "context_length_exceeded"],
])("%s hears of overflow number %d as %s", (name, inARow, code) => {
  const overflow = { message: ownWords("prompt is too long"), asked: "orouter/coding", inARow };
  const { status, body } = profileFor(name).overflow(overflow, "chat");
  expect({ status, body }).toMatchObject({ status: 400, body: { error: { code } } });
  expect(JSON.stringify(body)).toContain(code === "invalid_prompt" ? "orouter/coding" : overflow.message);
});

test.each([200, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503])(
  "a refusal in the status %d keeps it, unless opencode would misread it",
  (status) => {
    const kept = [200, 400, 402, 403, 422].includes(status);
    for (const name of OPENCODE) expect(profileFor(name).passedStatus(status)).toBe(kept ? status : 400);
    expect(profileFor("neutral").passedStatus(status)).toBe(status);
  },
);

const NOTHING = { text: false, toolCall: false };
const TEXT = { text: true, toolCall: false };
const CALL = { text: false, toolCall: true };

test.each<[reason: string, produced: typeof TEXT, opencode: string, others: string]>([
  ["stop", TEXT, "stop", "stop"],
  ["stop", CALL, "tool_calls", "stop"],
  ["tool_calls", CALL, "tool_calls", "tool_calls"],
  ["tool_calls", TEXT, "stop", "stop"],
  ["tool_calls", NOTHING, "failed", "failed"],
  ["error", TEXT, "failed", "failed"],
  ["MAX_TOKENS", TEXT, "length", "length"],
  ["SAFETY", TEXT, "content_filter", "content_filter"],
  ["end_turn", TEXT, "stop", "stop"],
  ["tool_use", CALL, "tool_calls", "tool_calls"],
])("the end %s after %j is %s for opencode, %s for others", (reason, produced, opencode, others) => {
  const endFor = (name: ProfileName): string => {
    const finish = profileFor(name).settleFinish(reason, produced);
    return finish.kind === "rewrite" ? finish.reason : finish.kind === "failed" ? "failed" : reason;
  };
  expect([endFor("opencode1"), endFor("opencode2"), endFor("neutral")]).toEqual([opencode, opencode, others]);
});

test.each<[profile: ProfileName, headers: Record<string, string>, session: string | undefined]>([
  ["opencode1", { "x-session-affinity": "b", "x-session-id": "a" }, "a"],
  ["opencode1", { "x-session-affinity": "b" }, "b"],
  ["opencode2", { "x-opencode-session": "c" }, "c"],
  ["opencode2", { session_id: "d" }, undefined],
  ["neutral", { session_id: "d" }, "d"],
  ["neutral", { "x-session-id": "", session_id: "d" }, "d"],
  ["neutral", {}, undefined],
  ["claude", { "x-claude-code-session-id": "e" }, "e"],
  ["codex", { "session-id": "f", "thread-id": "g" }, "f"],
  ["codex", { session_id: "h" }, "h"],
])("%s with the headers %j is in session %s", (name, headers, session) => {
  expect(profileFor(name).sessionId(new Headers(headers))).toBe(session);
});

test("every profile knows every dialect", () => {
  const dialects: Dialect[] = ["chat", "responses"];
  for (const name of [...OPENCODE, "neutral"] as ProfileName[])
    for (const dialect of dialects) {
      const profile = profileFor(name);
      expect(profile.finalEvent(MESSAGE, dialect)).toContain(MESSAGE);
      expect(profile.askAgainEvent(MESSAGE, dialect)).toContain("server_error");
    }
});
