import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { fingerprint } from "../../src/core/key.ts";
import type { CooldownScope } from "../../src/core/routing/cooldown.ts";
import { cooldownOf, note } from "../store/samples.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const WORK = fingerprint("secret-of-work");
const HOME = fingerprint("secret-of-home");

const IDS = [
  `key ${WORK}`,
  `lane ${WORK} ollama-cloud/a`,
  `lane ${WORK} ollama-cloud/b`,
  `lane ${HOME} ollama-cloud/a`,
  "model ollama-cloud/a",
  "provider ollama-cloud",
];

test.each<[words: string[], ended: string[]]>([
  [[], IDS],
  [["work"], IDS.slice(0, 3)],
  [
    ["--model", "ollama-cloud/a"],
    [IDS[1] ?? "", IDS[3] ?? "", IDS[4] ?? ""],
  ],
  [
    ["work", "--model", "ollama-cloud/a"],
    [IDS[1] ?? "", IDS[4] ?? ""],
  ],
])("keys reset %p ends what it names and nothing else", async (words, ended) => {
  using machine = tempMachine();
  await machine.write(
    "keys.toml",
    keysToml(
      { provider: "ollama-cloud", name: "work", value: "secret-of-work" },
      { provider: "ollama-cloud", name: "home", value: "secret-of-home" },
    ),
  );
  const options = {
    file: machine.file("state.db"),
    ledgerDays: 7,
    ledgerRows: 100,
    secrets: [],
    onTrouble: () => {},
  };
  const before = await openState(options);
  for (const id of IDS) {
    const [scope] = id.split(" ") as [CooldownScope];
    note(before, { kind: "cooldown-started", cooldown: cooldownOf(id, Date.now(), { scope }), keyName: "" });
  }
  await before.close();
  const run = await machine.run(["keys", "reset", ...words]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain(`Ended ${ended.length} cooldown`);
  const after = await openState(options);
  expect((await after.store.cooldowns.all()).map(({ id }) => id).sort()).toEqual(
    IDS.filter((id) => !ended.includes(id)).sort(),
  );
  await after.close();
});
