import { expect, test } from "bun:test";
import { fingerprint } from "../../src/core/fingerprint.ts";
import type { Rest, RestScope } from "../../src/core/routing/rest.ts";
import { openState } from "../../src/state/store.ts";
import { keysToml, tempMachine } from "./orouter.ts";

const WORK = fingerprint("secret-of-work");
const HOME = fingerprint("secret-of-home");

function restOf(id: string): Rest {
  const nowMs = Date.now();
  const [scope] = id.split(" ") as [RestScope];
  return {
    id,
    scope,
    kind: "quota",
    status: 429,
    message: "",
    sinceMs: nowMs,
    untilMs: nowMs + 3_600_000,
    strikes: 1,
    isDeclared: false,
  };
}

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
  const before = openState(options);
  for (const id of IDS) before.note({ kind: "rested", rest: restOf(id), keyName: "" });
  before.close();
  const run = await machine.run(["keys", "reset", ...words]);
  expect(run.exitCode).toBe(0);
  expect(run.stderr).toContain(`${ended.length} rests`);
  const after = openState(options);
  expect(
    after
      .rests()
      .map((rest) => rest.id)
      .sort(),
  ).toEqual(IDS.filter((id) => !ended.includes(id)).sort());
  after.close();
});
