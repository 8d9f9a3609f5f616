import { readFile } from "node:fs/promises";
import type { ControlState } from "../../core/routing/control-state.ts";
import type { PluginOptions } from "./plugin-options.ts";

/** The proxy on the same machine answers within milliseconds; one that is stuck must not leave a dialog waiting. */
const ANSWER_MS = 5000;

/** A model may think before it answers, and its keys may have to be walked over; nobody looks on for longer. */
const ASKING_MS = 120_000;

/** The API of the run's proxy. */
export interface RouterClient {
  state: () => Promise<ControlState>;
  get: (path: string) => Promise<unknown>;
  post: (path: string, body?: object) => Promise<unknown>;
  /** The events as they come; ends when the proxy does. */
  events: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  /** One short question to a model, the way opencode would ask it. */
  ask: (model: string) => Promise<Response>;
}

export function routerClient({ url, tokenFile }: PluginOptions): RouterClient {
  let token: Promise<string> | undefined;
  const call = async (path: string, init: RequestInit): Promise<Response> => {
    token ??= readFile(tokenFile, "utf8");
    const headers = { authorization: `Bearer ${await token}`, "content-type": "application/json" };
    const answer = await fetch(url + path, { ...init, headers });
    // A proxy that was started anew has a new one.
    if (answer.status === 401) token = undefined;
    return answer;
  };
  const json = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await call(`/_orouter${path}`, { ...init, signal }).catch(() => {
      throw new Error("orouter's proxy does not answer.");
    });
    const value: unknown = await answer.json();
    if (answer.ok) return value;
    throw new Error((value as { error?: { message?: string } }).error?.message ?? `status ${answer.status}`);
  };
  return {
    state: async () => (await json("/state")) as ControlState,
    get: (path) => json(path),
    post: (path, body = {}) => json(path, { method: "POST", body: JSON.stringify(body) }),
    events: async (signal) => {
      const answer = await call("/_orouter/events", { signal });
      if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
      return answer.body;
    },
    ask: (model) => {
      const messages = [{ role: "user", content: "Answer with the word ok." }];
      return call("/v1/chat/completions", {
        method: "POST",
        body: JSON.stringify({ model, messages, stream: true, max_tokens: 32 }),
        signal: AbortSignal.timeout(ASKING_MS),
      });
    },
  };
}
