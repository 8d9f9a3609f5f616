import { expect, test } from "bun:test";
import { profileFor } from "../../../src/core/client/profiles.ts";
import { conversationOf } from "../../../src/core/routing/conversation.ts";
import { SessionBook, sessionContext } from "../../../src/core/routing/session.ts";

const ID = "0199c1d2-7f5e-7d11-a2b3-0123456789ab";

function nameOf(
  body: object,
  headers: Record<string, string> = {},
  profile: "neutral" | "opencode1" = "neutral",
) {
  return conversationOf({
    headers: new Headers(headers),
    body: new TextEncoder().encode(JSON.stringify(body)),
    client: profileFor(profile),
  });
}

test.each<[client: string, headers: Record<string, string>]>([
  ["opencode and Kilo", { "x-session-id": ID }],
  ["opencode and Kilo", { "x-session-affinity": ID }],
  ["Codex", { "session-id": ID, "thread-id": ID, "x-client-request-id": ID }],
  ["an older Codex", { session_id: ID }],
  ["Claude Code", { "X-Claude-Code-Session-Id": ID }],
])("the session of %s is known by its header %j", (_client, headers) => {
  expect(nameOf({ model: "m", messages: [] }, headers)).toEqual({ id: ID, guess: undefined });
});

test.each<[what: string, body: object]>([
  ["a cache key", { prompt_cache_key: ID, input: "hi" }],
  ["the user of Claude Code", { metadata: { user_id: JSON.stringify({ device_id: "d", session_id: ID }) } }],
  ["the user of an older Claude Code", { metadata: { user_id: `user_ab12_account__session_${ID}` } }],
])("without a header it is known by %s in the body", (_what, body) => {
  expect(nameOf(body)).toEqual({ id: ID, guess: undefined });
});

const USER = { role: "user", content: "Fix the build" };
const LATER = [
  { role: "assistant", content: "Done." },
  { role: "user", content: "And the tests" },
];

test("an unnamed conversation keeps its name from turn to turn, and differs from others", () => {
  const system = { role: "system", content: "You are an agent" };
  const first = nameOf({ messages: [system, USER] }).guess;
  expect(first).toBeString();
  expect(nameOf({ messages: [system, USER, ...LATER], temperature: 1 }).guess).toBe(first);
  expect(nameOf({ messages: [system, ...LATER] }).guess).not.toBe(first);
  expect(nameOf({ messages: [{ ...system, content: "You are another" }, USER] }).guess).not.toBe(first);
});

test("every dialect's beginning is read, and a cache mark that moves on is no part of it", () => {
  const marked = {
    role: "user",
    content: [{ type: "text", text: "hi", cache_control: { type: "ephemeral" } }],
  };
  const plain = { role: "user", content: [{ type: "text", text: "hi" }] };
  const messages = (turn: object): string | undefined =>
    nameOf({ system: "Be brief", messages: [turn] }).guess;
  expect(messages(marked)).toBe(messages(plain) ?? "");
  expect(nameOf({ system: "Be long", messages: [plain] }).guess).not.toBe(messages(plain));
  const responses = (instructions: string): string | undefined =>
    nameOf({ instructions, input: [{ type: "message", ...plain }] }).guess;
  expect(responses("a")).toBeString();
  expect(responses("a")).not.toBe(responses("b"));
  expect(nameOf({ input: "hi" }).guess).toBeString();
});

test.each<[what: string, body: object]>([
  ["no turn of the user", { messages: [{ role: "system", content: "hi" }] }],
  ["no turns", { model: "m" }],
  ["turns that are no objects", { messages: ["hi"] }],
])("a body with %s names nothing", (_what, body) => {
  expect(nameOf(body)).toEqual({ id: undefined, guess: undefined });
});

test("what a known agent leaves unnamed is no part of a conversation", () => {
  expect(nameOf({ messages: [USER] }, {}, "opencode1").guess).toBeUndefined();
});

test("requests that only begin alike go elsewhere while their key is busy, a named session stays", () => {
  const book = new SessionBook();
  for (const [session, expected] of [
    [book.ofConversation({ id: undefined, guess: "begins so" }), { session: undefined, stuckTo: undefined }],
    [book.ofConversation({ id: "named", guess: undefined }), { session: "named", stuckTo: "fp" }],
  ] as const) {
    session.stuckTo.set("a", "fp");
    expect(sessionContext(session, "a", () => false)).toEqual({ session: session.id, stuckTo: "fp" });
    expect(sessionContext(session, "a", () => true)).toEqual(expected);
  }
});
