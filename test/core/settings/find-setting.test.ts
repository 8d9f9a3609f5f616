import { expect, test } from "bun:test";
import type { SettingPath } from "../../../src/core/settings/setting-kinds.ts";
import { findSetting } from "../../../src/core/settings/setting-names.ts";

test.each<[text: string, path: SettingPath]>([
  ["theme", ["theme"]],
  ["routing.cooldown.base", ["routing", "cooldown", "base"]],
  ["models[0].context", ["models", 0, "context"]],
  ["chains.coding[1]", ["chains", "coding", 1]],
  ["chains.my.chain", ["chains", "my.chain"]],
  ["fallbacks.ollama-cloud/kimi-k2.6", ["fallbacks", "ollama-cloud/kimi-k2.6"]],
  ['fallbacks."ollama-cloud/kimi-k2.6"[0]', ["fallbacks", "ollama-cloud/kimi-k2.6", 0]],
  ["fallbacks.*", ["fallbacks", "*"]],
  ['providers."my.box".rpm', ["providers", "my.box", "rpm"]],
  ["providers.'my.box'.rpm", ["providers", "my.box", "rpm"]],
])("%s is a setting", (text, path) => {
  const found = findSetting(text);
  expect("path" in found ? found.path : found).toEqual(path);
});

test.each<[text: string, near: string | undefined]>([
  ["routing.stratgy", "routing.strategy"],
  ["routng.strategy", "routing.strategy"],
  ["strategy", "routing.strategy"],
  ["fail_windw", "routing.fail_window"],
  ["providers.work.rmp", "providers.work.rpm"],
  ["rpm", "providers.NAME.rpm"],
  ["models[0].contxt", "models[0].context"],
  ["routing[0]", "routing"],
  ["theme.", "theme"],
  ["theme.x", "theme"],
  ['providers."x.rpm', "providers.NAME.rpm"],
  ["xyzzy", undefined],
  ["", undefined],
])("%s is none; near it is %p", (text, near) => {
  const found = findSetting(text);
  expect(found).toEqual({ near });
});
