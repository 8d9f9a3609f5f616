import { expect, test } from "bun:test";
import { startRouting } from "../../src/commands/routing.ts";
import { CANONICAL_TEXT } from "../../src/demo/call.ts";
import { failoverScene } from "../../src/demo/scenes.ts";
import { withUpstream } from "../demo/ask.ts";
import { readEvents, textOf } from "../demo/read-events.ts";
import { keyNamed, settingsFrom } from "../proxy/rig.ts";

test("what the commands start routes as the tests' own proxy does", () => {
  const scene = { ...failoverScene(), keys: [{ name: "bench", secret: "secret-bench" }] };
  return withUpstream(scene, async (upstream) => {
    const settings = settingsFrom({
      chains: { broken: ["bench/s08-primary", "bench/s08-fallback"] },
      providers: { bench: { base_url: upstream.baseUrl } },
    });
    const bugs: unknown[] = [];
    const { proxy, token } = startRouting({
      settings,
      keys: [keyNamed("bench", "bench")],
      onBug: (bug) => bugs.push(bug),
    });
    const response = await fetch(`${proxy.url}/orouter/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: "broken", stream: true, messages: [{ role: "user", content: "hi" }] }),
    });
    expect(textOf(readEvents(await response.text()))).toBe(CANONICAL_TEXT);
    await proxy.stop();
    expect(bugs).toEqual([]);
  });
});
