import type { SceneKey } from "../../src/demo/scenes.ts";
import { orouterBinary } from "./binary.ts";
import type { e2eMachine } from "./machine.ts";

type Machine = ReturnType<typeof e2eMachine>;

export interface ServeProcess {
  url: string;
  token: string;
  pid: number;
  /** Sends one streamed prompt in this session, with this process's token by default. */
  ask: (session: string, token?: string) => Promise<Response>;
  get: (path: string) => Promise<Response>;
  /** Its stderr so far. */
  said: () => string;
  kill: (signal: NodeJS.Signals) => void;
  /** Its exit code, and all of its stderr. */
  ended: () => Promise<{ exitCode: number | null; stderr: string }>;
}

/** The provider's id of the model in every prompt. */
export const SERVED_MODEL = "gpt-oss:120b";

/** Several processes may share this OROUTER_HOME. */
export function sharedHome(machine: Machine, baseUrl: string, keys: readonly SceneKey[]): string {
  machine.write("orouter/config.toml", `[providers.ollama-cloud]\nbase_url = "${baseUrl}"\n`);
  const tables = keys.map(
    ({ name, secret }) => `[[keys]]\nprovider = "ollama-cloud"\nname = "${name}"\nvalue = "${secret}"\n`,
  );
  machine.write("orouter/keys.toml", tables.join("\n"));
  return machine.folder.in("orouter");
}

/** Waits until it accepts connections. */
export async function startServe(
  machine: Machine,
  home: string,
  words: readonly string[] = [],
): Promise<ServeProcess> {
  const child = Bun.spawn([orouterBinary(), "serve", "--json", ...words], {
    cwd: machine.project,
    env: { ...machine.env, OROUTER_HOME: home },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return serveProcessOf(child);
}

export async function serveProcessOf(child: Bun.Subprocess<"ignore", "pipe", "pipe">): Promise<ServeProcess> {
  let said = "";
  const stderr = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) said += decoder.decode(bytes, { stream: true });
  })();
  const line = await firstLine(child.stdout);
  if (line === undefined) {
    await stderr;
    throw new Error(`orouter serve did not start: ${said}`);
  }
  const { url, token, pid } = JSON.parse(line) as { url: string; token: string; pid: number };
  const headers = (withToken: string) => ({
    authorization: `Bearer ${withToken}`,
    "content-type": "application/json",
  });
  return {
    url,
    token,
    pid,
    ask: (session, withToken = token) =>
      fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { ...headers(withToken), "x-session-id": session },
        body: JSON.stringify({
          model: `ollama-cloud/${SERVED_MODEL}`,
          stream: true,
          messages: [{ role: "user", content: "say the words" }],
        }),
      }),
    get: (path) => fetch(`${url}${path}`, { headers: headers(token) }),
    said: () => said,
    kill: (signal) => child.kill(signal),
    ended: async () => {
      await Promise.all([child.exited, stderr]);
      return { exitCode: child.exitCode, stderr: said };
    },
  };
}

async function firstLine(output: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of output.values({ preventCancel: true })) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  return undefined;
}

/** Waits for something that must happen, and reports it if it does not. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(10);
  }
}
