import { failureText } from "../cli/failure.ts";
import { out, say } from "../cli/io.ts";
import type { Verb, VerbArgs } from "../cli/verb.ts";
import { loadKeys } from "../config/keys.ts";
import { loadConfig } from "../config/load.ts";
import { resolvePaths } from "../config/paths.ts";
import { EXIT, Problem } from "../core/problem.ts";
import { keepState } from "./keep-state.ts";
import { noKey } from "./opencode.ts";
import { startRouting } from "./routing.ts";
import { loadRunCatalog } from "./run-catalog.ts";
import { RunTally } from "./run-tally.ts";

/** `orouter serve`: the proxy alone, for any other client. */
export const serveVerb: Verb = {
  name: "serve",
  about: "The proxy alone, for any other client, until it is stopped",
  examples: [
    { line: "orouter serve", does: "on a free port of 127.0.0.1; prints its address and token" },
    { line: "orouter serve --port 8787 --json", does: "one line of JSON when it accepts connections" },
  ],
  args: {
    port: { type: "string", description: "Port to listen on (default: a free one)", valueHint: "PORT" },
    host: { type: "string", description: "Address to listen on (default: 127.0.0.1)", valueHint: "ADDRESS" },
    json: { type: "boolean", description: 'Print {"url","token","pid"} as one line' },
  },
  run: serve,
  children: {},
};

const MAX_PORT = 65_535;

async function serve(args: VerbArgs): Promise<number> {
  const { env } = process;
  const paths = resolvePaths(env);
  const { settings, warnings } = await loadConfig(paths);
  const { keys, notes } = await loadKeys({ paths, settings, env });
  for (const note of [...warnings, ...notes]) say(`[orouter] ${note}`);
  if (!keys.some((key) => key.enabled)) throw noKey(keys.length);
  const tally = new RunTally();
  const host = typeof args["host"] === "string" ? args["host"] : undefined;
  const { catalog, stop } = await loadRunCatalog({ settings, keys, paths });
  const routing = startRouting({
    settings,
    keys,
    catalog,
    host,
    port: portOf(args["port"]),
    onBug: (error) => tally.noteBug(error),
  });
  const { router } = routing;
  router.subscribe((event) => tally.note(event));
  const forget = await keepState({
    paths,
    settings,
    keys,
    router,
    onTrouble: (problem) => say(failureText(problem)),
  });
  announce(routing.proxy.url, routing.token, args["json"] === true);
  await stopped();
  await routing.proxy.stop();
  stop();
  forget();
  const summary = tally.summary();
  if (summary !== "") say(summary);
  return EXIT.fine;
}

function announce(url: string, token: string, asJson: boolean): void {
  if (asJson) {
    out(JSON.stringify({ url, token, pid: process.pid }));
    return;
  }
  out(`url    ${url}/v1`);
  out(`token  ${token}`);
  say(
    "Any OpenAI-compatible client works: this base URL, the token as its API key, and models such as orouter/<chain>.",
  );
  say("Stop it with Ctrl-C.");
}

function portOf(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= MAX_PORT) return port;
  throw new Problem({
    code: "usage",
    what: `--port ${text} is no port.`,
    fix: `Use a number from 0 (a free one) to ${MAX_PORT}.`,
    exit: EXIT.usage,
  });
}

function stopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  return promise;
}
