import { untilStopped } from "../cli/ask.ts";
import { type ArgDefs, type ArgsOf, defineCommand, portArg } from "../cli/command.ts";
import { failureText, out, say } from "../cli/talk.ts";
import { KnownClients, readTokenFile } from "../config/clients-file.ts";
import { resolvePaths } from "../config/paths.ts";
import { EXIT, Problem } from "../core/problem.ts";
import { counted, formatWait } from "../core/text.ts";
import { hideVariables } from "../harness/run/own-memory.ts";
import { createRunDir, RUN_FILES } from "../harness/run/run-dir.ts";
import { newToken } from "../proxy/access.ts";
import { loadRunCatalog } from "./catalog.ts";
import { readUserFiles, requireKey } from "./context.ts";
import { followFiles } from "./follow-files.ts";
import { announceRun } from "./launch.ts";
import { type Routing, startRouting } from "./routing.ts";
import { RunTally, refusedText, troubleText } from "./run-tally.ts";
import { keepState } from "./state.ts";

const SERVE_ARGS = {
  port: { type: "string", description: "Listen on this port (default: a free one)", valueHint: "PORT" },
  host: { type: "string", description: "Listen on this address (default: 127.0.0.1)", valueHint: "ADDRESS" },
  "token-file": {
    type: "string",
    description: "Read the token from this file; create it if missing",
    valueHint: "FILE",
  },
  metrics: { type: "boolean", description: "Serve /metrics for Prometheus, with the same token" },
  json: { type: "boolean", description: 'Print {"url","token","pid"} as one line' },
} satisfies ArgDefs;

export const serveCommand = defineCommand({
  name: "serve",
  about: "Run the proxy for any other client until it is stopped",
  examples: [
    { line: "orouter serve", does: "on a free port of 127.0.0.1; prints its address and token" },
    {
      line: "orouter serve --port 8787 --token-file ~/orouter.token",
      does: "the same address and token each time",
    },
    { line: "orouter serve --port 8787 --json", does: "one line of JSON when it accepts connections" },
  ],
  args: SERVE_ARGS,
  run: serve,
  children: {},
});

async function serve(args: ArgsOf<typeof SERVE_ARGS>): Promise<number> {
  const env = { ...process.env };
  const paths = resolvePaths(env);
  const places = { env, paths };
  const files = await readUserFiles(places);
  const { settings, keys } = files;
  for (const note of files.notes) say(`[orouter] ${note}`);
  requireKey(keys);
  await hideVariables(files.variables);
  const tally = new RunTally();
  const run = await loadRunCatalog({ settings, keys, paths });
  const { tokenFile } = args;
  const token = tokenFile === undefined ? undefined : await readTokenFile(tokenFile, newToken);
  const clients = new KnownClients(paths);
  const routing = startRouting({
    settings,
    keys,
    token,
    clientOf: (given) => clients.nameOf(given),
    metricsOf: args.metrics === true ? (await import("../proxy/metrics.ts")).createMetrics : undefined,
    catalog: run.catalog,
    host: args.host,
    port: portArg(args.port),
    onBug: (error) => tally.noteBug(error),
  });
  const { router } = routing;
  router.subscribe((event) => {
    // The terminal is free, so report an invalid file at once.
    if (event.kind === "settings-refused") say(refusedText(event.what));
    else tally.note(event);
  });
  const forget = await keepState({
    paths,
    settings,
    router,
    what: "serve",
    onTrouble: (problem) => say(troubleText(problem)),
  });
  const unfollow = followFiles({
    places,
    routing,
    begun: { ...files, run },
    learn: (_files, catalog) => routing.know(catalog),
    onNote: (note) => say(`[orouter] ${note}`),
    onBug: (error) => tally.noteBug(error),
  });
  leaveCard(paths.runRoot, routing);
  announce(routing.proxy.url, routing.token, args.json === true);
  await untilStopped();
  await drain(routing, settings.limits.drainMs);
  unfollow();
  await routing.proxy.stop();
  await forget();
  const summary = tally.summary();
  if (summary !== "") say(summary);
  return EXIT.fine;
}

const DRAIN_STEP_MS = 50;

/** Answers under way may finish; a second signal ends them. */
async function drain({ proxy }: Routing, limitMs: number): Promise<void> {
  if (proxy.open === 0 || limitMs === 0) return;
  proxy.drain();
  say(
    `Waiting up to ${formatWait(limitMs)} for ${counted(proxy.open, "request")} to finish. Stop at once with Ctrl-C.`,
  );
  let isOver = false;
  void untilStopped().then(() => {
    isOver = true;
  });
  const endMs = performance.now() + limitMs;
  while (proxy.open > 0 && !isOver && performance.now() < endMs) await Bun.sleep(DRAIN_STEP_MS);
}

/** `status` finds the proxy by this file. The proxy also works without it. */
function leaveCard(runRoot: string, { proxy, token }: Routing): void {
  try {
    const runDir = createRunDir(runRoot);
    process.on("exit", () => runDir.remove());
    runDir.write(RUN_FILES.token, token);
    announceRun(runDir, { what: "serve", url: proxy.url });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(failureText(error));
  }
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
  say("Stop with Ctrl-C.");
}
