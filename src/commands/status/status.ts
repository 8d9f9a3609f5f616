import { paintFor } from "../../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand, usageProblem } from "../../cli/command.ts";
import { hasScreen, showLive } from "../../cli/screen.ts";
import { outputLook } from "../../cli/table.ts";
import { failureText, out, outJson, say } from "../../cli/talk.ts";
import { EXIT } from "../../core/problem.ts";
import { readContext } from "../context.ts";
import { StatusSource } from "./snapshot.ts";
import { statusJson, statusText } from "./status-text.ts";

const STATUS_ARGS = {
  watch: {
    type: "boolean",
    alias: "w",
    description: "Redraw every second until q or Ctrl-C",
  },
  json: {
    type: "boolean",
    description: 'Print {"version","runs","keys","cooldowns","chains",…}',
  },
} satisfies ArgDefs;

export const statusCommand = defineCommand({
  name: "status",
  about: "Show runs, keys, cooldowns, chains and recent requests",
  examples: [
    { line: "orouter status", does: "current state, also without a running orouter" },
    { line: "orouter status --watch", does: "the same, redrawn every second; q quits" },
    { line: "orouter status --json", does: "the same for scripts" },
  ],
  args: STATUS_ARGS,
  run: status,
  children: {},
});

const PATH = ["orouter", "status"];
const DRAW_EVERY_MS = 1000;

/** A screen cannot show more. */
const REQUESTS = 10;

async function status(args: ArgsOf<typeof STATUS_ARGS>): Promise<number> {
  const isWatching = args.watch === true;
  if (isWatching && args.json === true)
    throw usageProblem("--watch and --json exclude each other. Run status --json repeatedly instead.", PATH);
  if (isWatching && !hasScreen()) throw usageProblem("--watch needs a terminal.", PATH);
  const source = new StatusSource(await readContext());
  try {
    if (isWatching) await watch(source);
    else await print(source, args.json === true);
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
