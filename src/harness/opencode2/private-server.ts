import { Problem } from "../../core/problem.ts";
import type { OpenServer, ServerParts } from "../harness.ts";

/** How long the server may take to start, and then to know our models: it reads its configuration step by step. */
const START_MS = 20_000;
const LEARN_MS = 10_000;
const LOOK_MS = 50;

/**
 * A private server that already knows our models. opencode 2 lists its models without waiting for its configuration, so
 * its own private server would be asked too early.
 */
export async function openServer({ file, env, providers }: ServerParts): Promise<OpenServer> {
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  const login = { OPENCODE_PASSWORD: password };
  // It ends when its stdin closes, that is with us, however we end.
  const server = Bun.spawn([file, "serve", "--stdio", "--port", "0"], {
    env: { ...env, ...login },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  try {
    const url = await urlOf(server.stdout);
    if (url === undefined) throw noServer(file);
    await untilKnown(url, password, providers);
    return { args: ["--server", url], env: login, stop: () => server.kill() };
  } catch (error) {
    server.kill();
    throw error;
  }
}

/** The first line of its output is `{"url":…}`. */
async function urlOf(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const reader = stdout.getReader();
  const timer = setTimeout(() => void reader.cancel(), START_MS);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
    const { url } = JSON.parse(text.slice(0, text.indexOf("\n"))) as { url?: unknown };
    return typeof url === "string" ? url : undefined;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until it lists one of our models. After the timeout it is used anyway: it may have none to list. */
async function untilKnown(url: string, password: string, providers: readonly string[]): Promise<void> {
  const place = new URLSearchParams({ "location[directory]": process.cwd() });
  const authorization = `Basic ${btoa(`opencode:${password}`)}`;
  const signal = AbortSignal.timeout(LEARN_MS);
  while (!signal.aborted) {
    try {
      const reply = await fetch(`${url}/api/model?${place}`, { headers: { authorization }, signal });
      const { data } = (await reply.json()) as { data?: { providerID?: unknown }[] };
      if (data?.some(({ providerID }) => providers.includes(String(providerID)))) return;
    } catch {
      // It may need more time.
    }
    await Bun.sleep(LOOK_MS);
  }
}

function noServer(file: string): Problem {
  return new Problem({
    code: "no-private-server",
    what: `${file} started no private server.`,
    fix: `Run it by itself once: ${file} models`,
  });
}
