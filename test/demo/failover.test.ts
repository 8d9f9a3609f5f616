import { expect, test } from "bun:test";
import { CANONICAL_TEXT, tokensOf } from "../../src/demo/call.ts";
import { failoverScene, SCENARIOS } from "../../src/demo/scenes.ts";
import { startUpstream, type Upstream } from "../../src/demo/upstream.ts";
import { ask, withUpstream } from "./ask.ts";
import { readEvents, readUntilBroken, textOf } from "./read-events.ts";

const SCENE = failoverScene({ timeScale: 0.001 });
const CUT_TEXT = tokensOf(CANONICAL_TEXT).slice(0, 40).join("");

/** A status with the text, or how the call broke. */
async function outcome(upstream: Upstream, model: string, more: Record<string, unknown> = {}) {
  const response = await ask(upstream, { key: "scripted-bench", model, more }).catch(() => undefined);
  if (!response) return "no head";
  const { text, error } = await readUntilBroken(response);
  if (!response.ok) return String(response.status);
  const said = textOf(readEvents(text));
  const length = said === CANONICAL_TEXT ? "whole" : said === CUT_TEXT ? "40 tokens" : said;
  return error === undefined ? length : `${length}, broken`;
}

test.each<[id: string, first: string, second: string]>([
  ["s01", "429", "whole"],
  ["s02", "429", "429"],
  ["s03", "500", "whole"],
  ["s04", "503", "503"],
  ["s05", "no head", "no head"],
  ["s07", "whole", "whole"],
  ["s08", "40 tokens, broken", "40 tokens, broken"],
  ["s09", "whole", "whole"],
  ["s10", "whole", "whole"],
  ["s11", "whole", "whole"],
  ["s12", "400", "400"],
  ["s13", "400", "400"],
  ["s14", "40 tokens, broken", "40 tokens, broken"],
  ["s15", "503", "503"],
  ["s16", "503", "503"],
])("%s gives %s, then %s", async (id, first, second) => {
  // At this scale the outage of s15 lasts 60 ms, too short for a slow machine to ask twice.
  await withUpstream(id === "s15" ? failoverScene() : SCENE, async (upstream) => {
    expect(await outcome(upstream, `${id}-primary`)).toBe(first);
    expect(await outcome(upstream, `${id}-primary`)).toBe(second);
  });
});

test.each(SCENARIOS.map(({ id }) => id))("%s has a fallback that answers", (id) =>
  withUpstream(SCENE, async (upstream) => {
    const response = await ask(upstream, { key: "scripted-bench", model: `${id}-fallback` });
    const text = await response.text();
    expect(textOf(readEvents(text))).toBe(CANONICAL_TEXT);
    expect(text).toContain(`"model":"${id}-fallback"`);
  }),
);

test("s01 asks for two seconds, shortened like every wait", async () => {
  await withUpstream(failoverScene(), async (upstream) => {
    const response = await ask(upstream, { key: "scripted-bench", model: "s01-primary" });
    expect(response.headers.get("retry-after")).toBe("2");
  });
  await withUpstream(SCENE, async (upstream) => {
    const response = await ask(upstream, { key: "scripted-bench", model: "s01-primary" });
    expect(response.headers.get("retry-after-ms")).toBe("2");
  });
});

test("s06 stays silent until the caller gives up", async () => {
  const leaving = new AbortController();
  const upstream = await startUpstream(SCENE, { onReply: () => leaving.abort() });
  const silent = ask(upstream, { key: "scripted-bench", model: "s06-primary", signal: leaving.signal });
  await expect(silent).rejects.toMatchObject({ name: "AbortError" });
  await upstream.stop();
});

test("s14's fallback takes no half answer to go on from", () =>
  withUpstream(SCENE, async (upstream) => {
    const messages = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "A lighthouse" },
    ];
    expect(await outcome(upstream, "s14-fallback", { messages })).toBe("400");
    expect(await outcome(upstream, "s08-fallback", { messages })).toBe("whole");
  }));

test("s15 is back when its outage is over", () => {
  const s15 = SCENARIOS.find(({ id }) => id === "s15");
  const at = (sinceFirstMs: number) => {
    const call = { sinceFirstMs } as Parameters<NonNullable<typeof s15>["primary"]>[0];
    return s15?.primary(call, 1).kind;
  };
  expect([at(0), at(59_999), at(60_000)]).toEqual(["error", "error", "answer"]);
});
