import { expect, test } from "bun:test";
import { askForReload, modelReload } from "../../src/harness/plugin/host1.ts";

function rig(reloads = true) {
  let hear: (sessionID: string, type: string) => void = () => {};
  let calls: (() => void)[] = [];
  const seen = { reloads: 0, told: 0 };
  const ask = modelReload({
    event: {
      on: (_type, handler) => {
        hear = (sessionID, type) => handler({ properties: { sessionID, status: { type } } });
      },
    },
    after: (_ms, call) => calls.push(call),
    reload: () => {
      seen.reloads++;
      return reloads;
    },
  });
  const want = (): void => ask(() => seen.told++);
  const calm = (): void => {
    const due = calls;
    calls = [];
    for (const call of due) call();
  };
  return { want, hear, calm, seen };
}

test("idle sessions: the models are read again, once for several changes", () => {
  const { want, calm, seen } = rig();
  want();
  want();
  expect(seen.reloads).toBe(0);
  calm();
  calm();
  expect(seen).toEqual({ reloads: 1, told: 1 });
});

test.each(["busy", "retry"])("a session in state %s is not aborted", (type) => {
  const one = rig();
  one.hear("ses_1", type);
  one.want();
  one.calm();
  expect(one.seen.reloads).toBe(0);
  one.hear("ses_2", "busy");
  one.hear("ses_1", "idle");
  one.calm();
  expect(one.seen.reloads).toBe(0);
  one.hear("ses_2", "idle");
  one.calm();
  expect(one.seen.reloads).toBe(1);
});

test("a session that continues at once is still busy", () => {
  const { want, hear, calm, seen } = rig();
  hear("ses_1", "busy");
  want();
  hear("ses_1", "idle");
  hear("ses_1", "busy");
  calm();
  expect(seen.reloads).toBe(0);
});

test("without a request nothing is read, and a reload that did not happen is not reported", () => {
  const idle = rig();
  idle.hear("ses_1", "busy");
  idle.hear("ses_1", "idle");
  idle.calm();
  expect(idle.seen.reloads).toBe(0);
  const deaf = rig(false);
  deaf.want();
  deaf.calm();
  expect(deaf.seen).toEqual({ reloads: 1, told: 0 });
});

test("without a listener no signal is sent", () => {
  expect(process.listenerCount("SIGUSR2")).toBe(0);
  expect(askForReload()).toBe(false);
  let heard = 0;
  const listen = (): void => {
    heard++;
  };
  process.on("SIGUSR2", listen);
  expect(askForReload()).toBe(true);
  process.off("SIGUSR2", listen);
  expect(heard).toBe(1);
});
