import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { join } from "node:path";
import { orouterBinary } from "../e2e/binary.ts";
import { e2eMachine } from "../e2e/machine.ts";
import { SERVED_MODEL, type ServeProcess, serveProcessOf, until } from "../e2e/serve-process.ts";
import { type RawOptions, type RawUpstream, startRawUpstream } from "./raw-upstream.ts";
import { answer, textIn } from "./wire.ts";

export interface Recorded {
  session: string;
  outcome: string;
  verdicts: string[];
  messages: string[];
}

export interface Told {
  status: number;
  headers: Headers;
  /** The raw body. */
  raw: string;
  /** The words of the answer in it. */
  text: string;
  /** Whether the body arrived completely. */
  isWhole: boolean;
}

export interface Prompt {
  session?: string;
  stream?: boolean;
  model?: string;
  signal?: AbortSignal;
}

export interface World {
  machine: ReturnType<typeof e2eMachine>;
  home: string;
  serve: ServeProcess;
  upstream: RawUpstream;
  send: (prompt?: Prompt) => Promise<Response>;
  ask: (prompt?: Prompt) => Promise<Told>;
  /** Waits for this many finished requests. */
  records: (count: number) => Promise<Recorded[]>;
  /** Cooldowns, as `scope kind`. */
  rests: () => Promise<string[]>;
  /** Ends all cooldowns. */
  reset: () => Promise<void>;
  /** Calls in progress with any key. */
  inFlight: () => Promise<number>;
}

export interface WorldOptions extends Partial<RawOptions> {
  /** More of config.toml. */
  config?: string;
  /** More of the provider's table. */
  provider?: string;
  keys?: readonly string[];
  /** Instead of the raw upstream's address. */
  baseUrl?: string;
  /** Shell code that runs before orouter, in its process. */
  first?: string | ((home: string) => string);
  /** The command that the shell runs in. */
  within?: readonly string[];
  env?: Record<string, string>;
  /** Prepares the home before the start. */
  prepare?: (home: string) => void;
  /** Checks the stderr. */
  afterwards?: (stderr: string) => void;
}

/** Without waits that a test would have to sit out. */
export const IMPATIENT = '[routing]\npatience = "0s"\nmax_wait = "0s"\n';

/** A running compiled `orouter serve` in front of a raw upstream. It must never report a bug. */
export async function withWorld(options: WorldOptions, work: (world: World) => Promise<void>): Promise<void> {
  const upstream = await startRawUpstream({ onCall: ({ socket }) => answer(socket), ...options });
  using machine = e2eMachine();
  try {
    const home = writeHome(machine, options.baseUrl ?? upstream.baseUrl, options);
    options.prepare?.(home);
    const serve = await startWith(machine, home, options);
    try {
      await work({ machine, home, serve, upstream, ...looks(home, serve) });
      serve.kill("SIGTERM");
      const { exitCode, stderr } = await serve.ended();
      expect(stderr).not.toContain("report this");
      expect(exitCode).toBe(0);
      options.afterwards?.(stderr);
    } finally {
      serve.kill("SIGKILL");
      await serve.ended();
    }
  } finally {
    await upstream.stop();
  }
}

export function writeHome(
  machine: ReturnType<typeof e2eMachine>,
  baseUrl: string,
  { keys = ["one", "two"], config = IMPATIENT, provider = "" }: WorldOptions,
): string {
  machine.write(
    "orouter/config.toml",
    `[models_dev]\nenabled = false\n${config}[providers.ollama-cloud]\nbase_url = "${baseUrl}"\n${provider}`,
  );
  const tables = keys.map(
    (name) => `[[keys]]\nprovider = "ollama-cloud"\nname = "${name}"\nvalue = "secret-${name}"\n`,
  );
  machine.write("orouter/keys.toml", tables.join("\n"));
  return machine.folder.in("orouter");
}

/** Starts `orouter serve` behind a shell that first limits the process. */
export function startWith(
  machine: ReturnType<typeof e2eMachine>,
  home: string,
  { first = ":", within = [], env = {} }: Pick<WorldOptions, "first" | "within" | "env">,
): Promise<ServeProcess> {
  const words = typeof first === "string" ? first : first(home);
  const command = [
    ...within,
    "/bin/sh",
    "-c",
    `${words}; exec "$0" "$@"`,
    orouterBinary(),
    "serve",
    "--json",
  ];
  return serveProcessOf(
    Bun.spawn(command, {
      cwd: machine.project,
      env: { ...machine.env, OROUTER_HOME: home, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    }),
  );
}

/** Padded to any length. */
export function promptBody({ stream = true, model = SERVED_MODEL }: Prompt = {}): string {
  const messages = [{ role: "user", content: "say the words" }];
  return JSON.stringify({ model: `ollama-cloud/${model}`, stream, messages });
}

type Looks = Pick<World, "send" | "ask" | "records" | "rests" | "reset" | "inFlight">;

function looks(home: string, serve: ServeProcess): Looks {
  const send = (prompt: Prompt = {}): Promise<Response> =>
    fetch(`${serve.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${serve.token}`,
        "content-type": "application/json",
        "user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.23",
        "x-session-id": prompt.session ?? crypto.randomUUID(),
      },
      body: promptBody(prompt),
      ...(prompt.signal === undefined ? {} : { signal: prompt.signal }),
    });
  const state = async (): Promise<{
    keys: { inFlight: number }[];
    cooldowns: { scope: string; kind: string }[];
  }> => (await serve.get("/_orouter/state")).json() as never;
  return {
    send,
    ask: async (prompt) => tell(await send(prompt)),
    records: async (count) => {
      let found: Recorded[] = [];
      await until(`${count} requests to be written down`, () => {
        found = readRecords(home);
        return found.length >= count;
      });
      return found;
    },
    rests: async () => (await state()).cooldowns.map(({ scope, kind }) => `${scope} ${kind}`),
    reset: async () => {
      const headers = { authorization: `Bearer ${serve.token}` };
      await fetch(`${serve.url}/_orouter/reset`, { method: "POST", headers });
    },
    inFlight: async () => (await state()).keys.reduce((sum, key) => sum + key.inFlight, 0),
  };
}

/** How an answer ended for opencode: after `asks-again` it sends the request once more. */
export function endOf({ status, raw, isWhole }: Told): "whole" | "asks-again" | "last-word" | "cut" {
  if (!isWhole) return "cut";
  if (status === 400 && raw.includes('"code":"invalid_prompt"')) return "last-word";
  if (raw.endsWith("data: [DONE]\n\n") && raw.includes('"finish_reason":"stop"')) return "whole";
  return raw.includes('\\"code\\":\\"server_error\\"') && !raw.includes("[DONE]") ? "asks-again" : "cut";
}

/** Reads an answer to its end, or to where it breaks. */
export async function tell(response: Response): Promise<Told> {
  const decoder = new TextDecoder();
  let raw = "";
  let isWhole = true;
  try {
    for await (const bytes of response.body ?? []) raw += decoder.decode(bytes, { stream: true });
  } catch {
    isWhole = false;
  }
  return { status: response.status, headers: response.headers, raw, text: textIn(raw), isWhole };
}

function readRecords(home: string): Recorded[] {
  using db = new Database(join(home, "state.db"), { readonly: true });
  const attempts = db.query<{ verdict: string; message: string }, [number]>(
    "SELECT verdict, message FROM attempts WHERE request = ? ORDER BY place",
  );
  return db
    .query<{ seq: number; session: string; outcome: string }, []>(
      "SELECT seq, session, outcome FROM requests ORDER BY seq",
    )
    .all()
    .map(({ seq, session, outcome }) => {
      const all = attempts.all(seq);
      return {
        session,
        outcome,
        verdicts: all.map(({ verdict }) => verdict),
        messages: all.map(({ message }) => message),
      };
    });
}
