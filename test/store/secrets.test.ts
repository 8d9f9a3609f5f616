import { expect, test } from "bun:test";
import { openState } from "../../src/commands/state.ts";
import { namesIn, tempFolder } from "../config/temp-folder.ts";
import {
  attemptOf,
  cooldownOf,
  cooldownStarted,
  finished,
  flush,
  note,
  recordOf,
  stateOptions,
} from "./samples.ts";

const SECRET = "planted/secret+value one";
const SHORT = "pw42";
/** Not a key of this run, but recognisable as a key. */
const FORM = `sk-${"a1b2c3d4".repeat(4)}`;

/** Read by another process: reading the files here would drop the locks that SQLite holds on them. */
function bytesOf(file: string): string {
  return Bun.spawnSync(["cat", file]).stdout.toString("latin1");
}

test("no secret is in the bytes of any file, wherever it was repeated", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db"), { secrets: [SHORT, SECRET] }));
  const said = `bad key ${SECRET}, or ${encodeURIComponent(SECRET)}, or ${FORM}, or ${SHORT}`;
  const now = Date.now();
  note(state, cooldownStarted(cooldownOf(`lane aaaaaaaaaaaa acme/${SECRET}`, now, { message: said })));
  note(state, { kind: "cleared", id: `key ${SECRET}` });
  note(
    state,
    finished(
      recordOf(`request ${SECRET}`, now, {
        session: SECRET,
        asked: `acme/${SECRET}`,
        served: `acme/${SHORT}`,
        keyName: `my ${SECRET}`,
        attempts: [
          attemptOf(now, { verdict: "auth", message: said, keyName: SECRET, model: `acme/${SECRET}` }),
          // Half a secret must not remain at the end of a shortened message.
          attemptOf(now, { verdict: "auth", message: `${"x".repeat(290)} ${SECRET}` }),
        ],
      }),
    ),
  );
  await flush(state);
  const whileOpen = namesIn(folder.path);
  expect(whileOpen).toEqual(["state.db", "state.db-shm", "state.db-wal"]);
  const all = whileOpen.map((name) => bytesOf(folder.in(name))).join("");
  await state.close();
  const text = all + bytesOf(folder.in("state.db"));
  expect(text).toContain("bad key [redacted]");
  for (const secret of [SECRET, SHORT, FORM, encodeURIComponent(SECRET), "planted"]) {
    expect(text.includes(secret)).toBe(false);
  }
});

test("a message is kept to 300 characters, and a model that looks like a key keeps its name", async () => {
  using folder = tempFolder();
  const state = await openState(stateOptions(folder.in("state.db"), { secrets: [SECRET] }));
  const model = "acme/fireworks-large-405b-instruct";
  const now = Date.now();
  note(
    state,
    finished(
      recordOf("r1", now, { asked: model, attempts: [attemptOf(now, { message: "x ".repeat(400) })] }),
    ),
  );
  const [entry] = state.ledger.requests({ limit: 1 });
  expect(entry?.asked).toBe(model);
  expect(entry?.attempts[0]?.message).toHaveLength(300);
  await state.close();
});
