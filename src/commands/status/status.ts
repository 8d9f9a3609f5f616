import { paintFor } from "../../cli/colour.ts";
import { usageProblem, type Verb, type VerbArgs } from "../../cli/command.ts";
import { hasScreen, showLive } from "../../cli/screen.ts";
import { outputLook } from "../../cli/table.ts";
import { failureText, out, outJson, say } from "../../cli/talk.ts";
import { EXIT } from "../../core/problem.ts";
import { readWorld } from "../world.ts";
import { StatusSource } from "./snapshot.ts";
import { statusJson, statusText } from "./status-text.ts";

/** `orouter status`: who is ready, who rests until when and why, and what happened last, over all runs. */
export const statusVerb: Verb = {
  name: "status",
  about: "What runs, which keys and models are ready, who rests until when, and the last requests",
  examples: [
    { line: "orouter status", does: "how things are now, whether an orouter runs or not" },
    { line: "orouter status --watch", does: "the same, drawn again every second; q quits" },
    { line: "orouter status --json", does: "the same for scripts" },
  ],
  args: {
    watch: {
      type: "boolean",
      alias: "w",
      description: "Stay and draw it again every second, until q or Ctrl-C",
    },
    json: {
      type: "boolean",
      description: 'Print {"now","strategy","runs","keys","rests","chains","benches","requests"}',
    },
  },
  run: status,
  children: {},
};

const PATH = ["orouter", "status"];
const DRAW_EVERY_MS = 1000;

/** As many requests as one looks at; on a screen more than its lines cannot be shown. */
const REQUESTS = 10;

async function status(args: VerbArgs): Promise<number> {
  const isWatching = args["watch"] === true;
  if (isWatching && args["json"] === true)
    throw usageProblem("--watch draws for people; scripts can ask for --json again and again.", PATH);
  if (isWatching && !hasScreen()) throw usageProblem("--watch needs a terminal.", PATH);
  const source = new StatusSource(await readWorld());
  try {
    if (isWatching) await watch(source);
    else await print(source, args["json"] === true);
  } finally {
    await source.close();
  }
  for (const problem of source.troubles) say(failureText(problem));
  return EXIT.fine;
}

async function print(source: StatusSource, asJson: boolean): Promise<void> {
  const snapshot = await source.read(REQUESTS);
  if (asJson) outJson(statusJson(snapshot));
  else {
    out(statusText(snapshot, { ...outputLook(source.theme), height: Number.POSITIVE_INFINITY }));
  }
}

function watch(source: StatusSource): Promise<void> {
  return showLive({
    draw: async ({ columns, rows }) => {
      const snapshot = await source.read(rows);
      const paint = paintFor(process.stdout, source.theme);
      return statusText(snapshot, { width: columns, height: rows, paint, note: "q quits" });
    },
    everyMs: DRAW_EVERY_MS,
  });
}
