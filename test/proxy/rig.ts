import { startRouting } from "../../src/commands/routing.ts";
import type { ProfileName } from "../../src/core/client/client-profile.ts";
import { fingerprint, type Key } from "../../src/core/key.ts";
import type { RequestRecord, RouterEvent } from "../../src/core/routing/events.ts";
import { parseSettings, type Settings } from "../../src/core/settings/settings.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { startUpstream, type Upstream } from "../../src/demo/upstream.ts";
import type { ControlHooks } from "../../src/proxy/control.ts";
import type { Env } from "../../src/proxy/env.ts";
import type { Router } from "../../src/proxy/router.ts";
import type { Transport } from "../../src/proxy/transport.ts";

/** Everything else is an ordinary streamed chat request. */
export interface Question {
  path?: string;
  model?: string;
  stream?: boolean;
  session?: string;
  headers?: Record<string, string>;
  more?: Record<string, unknown>;
  signal?: AbortSignal;
}

export interface Rig {
  router: Router;
  settings: Settings;
  url: string;
  token: string;
  keys: Key[];
  events: RouterEvent[];
  bugs: unknown[];
  records: () => RequestRecord[];
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
  ask: (question?: Question) => Promise<Response>;
  stop: () => Promise<void>;
}

export interface RigOptions {
  /** As in config.toml. */
  config: Record<string, unknown>;
  /** Names of keys by provider; the secret of `work` is `secret-work`. */
  keys: Record<string, string[]>;
  env?: Partial<Env>;
  /** The client of the proxy; default: opencode 1. */
  profile?: ProfileName | "by user-agent";
  control?: ControlHooks;
  /** How requests reach providers; by default over the network. */
  transport?: Transport;
}

function secretOf(name: string): string {
  return `secret-${encodeURIComponent(name)}`;
}

export function keyNamed(provider: string, name: string): Key {
  const secret = secretOf(name);
  const source = "keys.toml" as const;
  return {
    provider,
    name,
    fingerprint: fingerprint(secret),
    secret,
    enabled: true,
    source,
    from: "keys.toml",
  };
}

export function settingsFrom(config: Record<string, unknown>): Settings {
  const parsed = parseSettings(config);
  if ("faults" in parsed) throw new Error(parsed.faults.map((fault) => fault.what).join("; "));
  return parsed.settings;
}

/** Starts the same proxy as every command, with an injected clock, random numbers and transport if given. */
export function startRig(options: RigOptions): Rig {
  const settings = settingsFrom(options.config);
  const keys = Object.entries(options.keys).flatMap(([id, names]) => names.map((name) => keyNamed(id, name)));
  const events: RouterEvent[] = [];
  const bugs: unknown[] = [];
  const { profile = "opencode1", env, transport, control } = options;
  const { router, proxy, token } = startRouting({
    settings,
    keys,
    env,
    transport,
    profile: profile === "by user-agent" ? undefined : profile,
    control,
    onBug: (error) => bugs.push(error),
  });
  router.subscribe((event) => events.push(event));
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${proxy.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
    });
  return {
    router,
    settings,
    url: proxy.url,
    token,
    keys,
    events,
    bugs,
    records: () => events.flatMap((event) => (event.kind === "finished" ? event.record : [])),
    fetch: call,
    ask: (question = {}) => {
      const { path = "/orouter/v1/chat/completions", model = "chain", stream = true, more = {} } = question;
      const isChat = path.endsWith("chat/completions");
      const prompt = [{ role: "user", content: "say hello" }];
      const body = isChat
        ? { model, stream, stream_options: { include_usage: true }, messages: prompt, ...more }
        : { model, stream, input: prompt, ...more };
      return call(path, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(question.session === undefined ? {} : { "x-session-id": question.session }),
          ...question.headers,
        },
        body: JSON.stringify(body),
        ...(question.signal ? { signal: question.signal } : {}),
      });
    },
    stop: () => proxy.stop(),
  };
}

/** Keys and models of the scene are not checked: the reply decides. Key `work` has the secret `secret-work`. */
export function sceneWith(reply: Scene["reply"], keys: string[] = []): Scene {
  const named = keys.map((name) => ({ name, secret: secretOf(name) }));
  return { name: "test", title: "", about: "", keys: named, models: [], reply };
}

export interface PairOptions extends Omit<RigOptions, "config" | "keys"> {
  reply: Scene["reply"];
  /** Names of the keys of provider `a`; provider `b` has its own, `other`. */
  keys?: string[];
  chain?: string[];
  config?: Record<string, unknown>;
  onHangUp?: () => void;
}

/** A proxy with one scripted upstream, which serves as provider `a` and provider `b`. */
export async function withPair(
  options: PairOptions,
  test: (rig: Rig, upstream: Upstream) => Promise<void>,
): Promise<void> {
  const { keys = ["one"], chain = ["a/first", "a/second"], config = {}, env, control, profile } = options;
  const scene = sceneWith(options.reply, [...keys, "other"]);
  const upstream = await startUpstream(scene, options.onHangUp ? { onHangUp: options.onHangUp } : {});
  const { providers = {}, ...others } = config as { providers?: Record<string, object> };
  const rig = startRig({
    config: {
      chains: { chain },
      providers: {
        a: { base_url: upstream.baseUrl, ...providers["a"] },
        b: { base_url: upstream.baseUrl, ...providers["b"] },
      },
      ...others,
    },
    keys: { a: keys, b: ["other"] },
    ...(env === undefined ? {} : { env }),
    ...(profile === undefined ? {} : { profile }),
    ...(control === undefined ? {} : { control }),
  });
  try {
    await test(rig, upstream);
    if (rig.bugs.length > 0) throw rig.bugs[0];
  } finally {
    await rig.stop();
    await upstream.stop();
  }
}

/** A clock that runs this many times faster than real time, with its timers. */
export function fastEnv(factor: number): Env {
  const startMs = Date.now();
  const zero = performance.now();
  return {
    now: () => Math.floor(startMs + (performance.now() - zero) * factor),
    random: Math.random,
    after: (ms, call) => {
      const timer = setTimeout(call, Math.max(0, ms) / factor);
      return () => clearTimeout(timer);
    },
  };
}

/** Polls until the condition holds; the test's time limit ends it. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await Bun.sleep(1);
}
