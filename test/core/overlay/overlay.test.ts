import { expect, test } from "bun:test";
import { buildOverlay, layOver } from "../../../src/core/overlay/overlay.ts";

const OPTIONS = {
  baseUrl: "http://127.0.0.1:4000",
  tokenFile: "/run/token",
  runId: "run-1",
  providers: [{ id: "ollama-cloud", route: "ollama-cloud" }],
};

test("an overlay holds our address and where the token lies, never the token", () => {
  expect(buildOverlay(OPTIONS)).toEqual({
    $schema: "https://opencode.ai/config.json",
    "x-orouter": { run: "run-1" },
    provider: {
      "ollama-cloud": {
        options: {
          baseURL: "http://127.0.0.1:4000/ollama-cloud/v1",
          apiKey: "{file:/run/token}",
          headerTimeout: false,
          chunkTimeout: 600_000,
        },
      },
    },
  });
});

test("what the user had is kept, save what is ours to say", () => {
  const theirs = {
    theme: "mine",
    plugin: ["a"],
    model: "x/y",
    provider: {
      "ollama-cloud": { options: { apiKey: "theirs", setCacheKey: true } },
      other: { name: "Other" },
    },
  };
  const merged = layOver(theirs, { ...buildOverlay(OPTIONS), plugin: ["b", "a"] });
  expect(merged).toMatchObject({ theme: "mine", model: "x/y", plugin: ["a", "b"] });
  expect(merged["provider"]).toMatchObject({
    "ollama-cloud": { options: { apiKey: "{file:/run/token}", setCacheKey: true } },
    other: { name: "Other" },
  });
});

test("an outer overlay is taken off before ours is laid on, however deep they were nested", () => {
  const theirs = { username: "me" };
  const outer = layOver(theirs, buildOverlay({ ...OPTIONS, runId: "outer", baseUrl: "http://127.0.0.1:1" }));
  const inner = layOver(outer, buildOverlay({ ...OPTIONS, runId: "inner" }));
  const innermost = layOver(inner, buildOverlay({ ...OPTIONS, runId: "innermost" }));
  expect(innermost).toEqual(layOver(theirs, buildOverlay({ ...OPTIONS, runId: "innermost" })));
});
