import { describe, expect, test } from "bun:test";
import { findScene, SCENES, type Scene } from "../../src/demo/scenes.ts";
import type { Upstream } from "../../src/demo/upstream.ts";
import { ask, type Question, withUpstream } from "./ask.ts";
import { readEvents, readUntilBroken, textOf } from "./read-events.ts";

const TITLE = { messages: [{ role: "user", content: "Generate a title for this conversation:" }] };

function scene(name: string): Scene {
  const found = findScene(name);
  if (!found) throw new Error(`no scene ${name}`);
  return found;
}

async function asked(upstream: Upstream, name: string, model: string, more: Question["more"] = {}) {
  const response = await ask(upstream, { key: `scripted-${name}`, model, more });
  const { text } = await readUntilBroken(response);
  return { status: response.status, text: response.ok ? textOf(readEvents(text)) : text };
}

test("each scene has a name of its own, keys and models", () => {
  expect(new Set(SCENES.map((s) => s.name)).size).toBe(SCENES.length);
  for (const { keys, models, title, about } of SCENES) {
    expect(Math.min(keys.length, models.length, title.length, about.length)).toBeGreaterThan(0);
  }
});

test("the first scene is the rotation, and an unknown name finds none", () => {
  expect(SCENES[0]?.name).toBe("rotation");
  expect(findScene("nothing")).toBeUndefined();
});

describe.each([[["work", "home", "spare"]], [["spare", "work", "home"]]])(
  "with the keys tried in the order %p",
  ([first = "", second = "", third = ""]) => {
    test("rotation refuses the first key, limits the second and lets the third tell of it", () =>
      withUpstream(scene("rotation"), async (upstream) => {
        expect((await asked(upstream, first, "gpt-oss:120b")).status).toBe(401);
        expect((await asked(upstream, first, "gpt-oss:120b", TITLE)).status).toBe(401);
        expect((await asked(upstream, second, "gpt-oss:120b")).status).toBe(429);
        expect(await asked(upstream, third, "gpt-oss:120b", TITLE)).toMatchObject({
          text: "A friendly hello",
        });
        const { text } = await asked(upstream, third, "gpt-oss:120b");
        expect(text).toStartWith(`Hello! This is gpt-oss:120b, reached with the key "${third}".`);
        expect(text).toContain(`"${first}" on gpt-oss:120b (401 unauthorized)`);
        expect(text).toContain(`"${second}" on gpt-oss:120b (429 weekly limit reached)`);
        expect((await asked(upstream, third, "gpt-oss:120b")).text).toContain(
          "Nothing had to be tried twice",
        );
      }));

    test("plan refuses two keys for the premium model alone", () =>
      withUpstream(scene("plan"), async (upstream) => {
        const refused = await asked(upstream, first, "glm-5.2");
        expect([refused.status, refused.text]).toEqual([
          403,
          expect.stringContaining("requires a subscription"),
        ]);
        const newer = await asked(upstream, second, "glm-5.2");
        expect([newer.status, newer.text]).toEqual([
          402,
          expect.stringContaining("not included in your free"),
        ]);
        expect((await asked(upstream, third, "glm-5.2")).status).toBe(200);
        expect((await asked(upstream, first, "gpt-oss:120b")).status).toBe(200);
      }));
  },
);

test("stall says nothing the first time, and half of the second model's words after that", async () => {
  const leaving = new AbortController();
  await withUpstream(
    scene("stall"),
    async (upstream) => {
      const question = { key: "scripted-work", model: "gpt-oss:120b" };
      const silent = ask(upstream, { ...question, signal: leaving.signal });
      await expect(silent).rejects.toMatchObject({ name: "AbortError" });
      const whole = await asked(upstream, "work", "gemma4:31b");
      let text = "";
      for await (const bytes of (await ask(upstream, question)).body ?? []) {
        text += new TextDecoder().decode(bytes);
        if (textOf(readEvents(text)).endsWith("models ")) break;
      }
      expect(textOf(readEvents(text))).toEndWith("models ");
      expect(whole.text).toStartWith(textOf(readEvents(text)));
    },
    { onReply: (call) => call.model === "gpt-oss:120b" && leaving.abort() },
  );
});

test("exhausted refuses every key on every model", () =>
  withUpstream(scene("exhausted"), async (upstream) => {
    const statuses: number[] = [];
    for (const model of ["glm-5.2", "gpt-oss:120b"]) {
      for (const key of ["work", "home", "spare"]) statuses.push((await asked(upstream, key, model)).status);
    }
    expect(statuses).toEqual([401, 403, 403, 401, 429, 429]);
  }));

test("broken breaks every second answer, and the next one begins with the same words", () =>
  withUpstream(scene("broken"), async (upstream) => {
    const half = await asked(upstream, "work", "gpt-oss:120b");
    expect((await asked(upstream, "work", "gpt-oss:120b", TITLE)).text).toBe("A friendly hello");
    const whole = await asked(upstream, "home", "gemma4:31b");
    expect(half.text.split(" ").length).toBe(15);
    expect(whole.text.length).toBeGreaterThan(half.text.length);
    expect(whole.text).toStartWith(half.text);
    expect((await asked(upstream, "home", "gpt-oss:120b")).text).toBe(half.text);
  }));

test("limits asks each key to wait two seconds once, and takes one call at a time", () =>
  withUpstream(scene("limits"), async (upstream) => {
    const question = { key: "scripted-work", model: "gpt-oss:120b" };
    const first = await ask(upstream, question);
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "2"]);
    const open = await ask(upstream, question);
    expect(open.status).toBe(200);
    const second = await ask(upstream, question);
    expect([second.status, await second.json()]).toEqual([429, { error: "too many concurrent requests" }]);
    await open.text();
    expect((await asked(upstream, "work", "gpt-oss:120b")).status).toBe(200);
  }));
