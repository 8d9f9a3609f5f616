import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import type { Cooldown } from "../../src/core/routing/cooldown.ts";
import { cooldownOf, note } from "../store/samples.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const NOW = Date.now();

function cooldown(id: string, more: Partial<Cooldown>): Cooldown {
  const base = {
    scope: "lane",
    kind: "subscription",
    status: 403,
  } as const;
  return cooldownOf(id, NOW, { ...base, ...more });
}

test("what keys were refused is shown with the models, as long as it is remembered", async () => {
  using machine = tempMachine();
  await machine.write(
    "config.toml",
    '[models_dev]\nenabled = false\n[providers.work]\nbase_url = "http://127.0.0.1:9"\nmodels = ["paid", "gone", "free"]\n',
  );
  await machine.write("keys.toml", keysToml({ provider: "work", name: "mine", value: "secret-of-mine" }));
  const mine = fingerprint("secret-of-mine");
  const state = await openState({
    file: machine.file("state.db"),
    ledgerDays: 7,
    ledgerRows: 100,
    secrets: [],
    onTrouble: () => {},
  });
  const cooldowns = [
    cooldown(`lane ${mine} work/paid`, {}),
    cooldown("model work/gone", { scope: "model", kind: "model-not-found", status: 404 }),
    cooldown(`lane ${mine} work/free`, { kind: "rate-limit" }),
    cooldown("lane 0123456789ab work/free", {}),
  ];
  for (const one of cooldowns) note(state, { kind: "cooldown-started", cooldown: one, keyName: "mine" });
  await state.close();
  const asJson = await machine.run(["models", "list", "work", "--json"]);
  const { models } = JSON.parse(asJson.stdout) as { models: { id: string; refusedBy: unknown }[] };
  expect(models.map(({ id, refusedBy }) => [id, refusedBy])).toEqual([
    ["paid", [{ key: "mine", why: "subscription" }]],
    ["gone", [{ key: null, why: "model-not-found" }]],
    ["free", []],
  ]);
  const asText = await machine.run(["models", "list", "work"]);
  expect(asText.stdout).toContain("no plan: mine");
});
