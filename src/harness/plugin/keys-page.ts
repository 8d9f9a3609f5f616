import type { ControlKey, ControlRest, ControlState } from "../../core/routing/control-state.ts";
import type { Desk } from "./desk.ts";
import type { Line, ListPage } from "./page.ts";
import { endRestLine } from "./rests-page.ts";
import { counted, readinessWords, shortModel } from "./words.ts";

/** Every key; Enter leads to what can be done with it. */
export function keysPage(desk: Desk): ListPage {
  return {
    kind: "list",
    title: () => "orouter: keys",
    lines: () => keyLines(desk),
  };
}

/** One line for each key, shared by the pages that list them. */
export function keyLines(desk: Desk): Line[] {
  const state = desk.state();
  if (state === undefined) return [{ title: "The proxy has not answered yet." }];
  return state.keys.map((key) => {
    const lanes = restsOf(key, state).filter(({ scope }) => scope === "lane").length;
    return {
      title: nameOf(key),
      description: readinessWords(key, state.now),
      category: "Keys",
      ...(lanes === 0 ? {} : { footer: `rests for ${counted(lanes, "model")}` }),
      run: () => desk.pages.open(keyPage(desk, key.fingerprint)),
    };
  });
}

/** What can be done with one key. */
export function keyPage(desk: Desk, fingerprint: string): ListPage {
  const find = (): ControlKey | undefined =>
    desk.state()?.keys.find((key) => key.fingerprint === fingerprint);
  return {
    kind: "list",
    title: () => {
      const key = find();
      const nowMs = desk.state()?.now ?? 0;
      return key === undefined ? "This key is gone" : `${nameOf(key)}: ${readinessWords(key, nowMs)}`;
    },
    lines: () => {
      const [key, state] = [find(), desk.state()];
      return key === undefined || state === undefined ? [] : actions(key, state, desk);
    },
  };
}

function actions(key: ControlKey, state: ControlState, desk: Desk): Line[] {
  const { client, act } = desk;
  const path = `/keys/${key.fingerprint}`;
  const session = desk.session();
  const rests = restsOf(key, state);
  const lines: Line[] = [
    {
      title: key.enabled ? "Turn off" : "Turn on",
      description: "for this run",
      run: () => act(async () => void (await client.post(`${path}/${key.enabled ? "disable" : "enable"}`))),
    },
  ];
  if (session !== undefined && key.enabled && state.strategy === "sticky") {
    lines.push({
      title: "Use it in this session",
      description: "as long as it is healthy",
      run: () =>
        act(async () => {
          await client.post(`/sessions/${session}/key`, { fingerprint: key.fingerprint });
          const models = rests.map(({ model }) => (model === null ? "all models" : shortModel(model)));
          const later = rests.length === 0 ? "" : `, for ${models.join(", ")} once it rests no more`;
          return `This session goes on with ${nameOf(key)}${later}.`;
        }),
    });
  }
  if (rests.length > 0) {
    lines.push({
      title: "End its rests",
      description: counted(rests.length, "rest"),
      run: () => act(async () => void (await client.post(`${path}/reset`))),
    });
  }
  return [
    ...lines,
    ...rests.map((rest) => ({ ...endRestLine(rest, state.now, desk), category: "Resting, Enter ends it" })),
    { title: `Fingerprint ${key.fingerprint}`, description: `from ${key.source}`, category: "Facts" },
  ];
}

function restsOf({ fingerprint }: ControlKey, { rests }: ControlState): ControlRest[] {
  return rests.filter((rest) => rest.fingerprint === fingerprint);
}

function nameOf({ provider, name }: ControlKey): string {
  return `${provider}/${name}`;
}
