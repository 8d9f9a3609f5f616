import { isInteractive, outJson } from "../../../cli/io.ts";
import { holdKeyboard } from "../../../cli/keyboard.ts";
import { talk } from "../../../cli/talk.ts";
import { textArg } from "../../../cli/text-arg.ts";
import { usageFault } from "../../../cli/usage-problem.ts";
import type { Verb, VerbArgs } from "../../../cli/verb.ts";
import { findImports } from "../../../config/imports/find-imports.ts";
import type { ImportSource } from "../../../config/imports/import-source.ts";
import { opencodePlace } from "../../../config/opencode-place.ts";
import { IMPORT_KINDS } from "../../../core/imports/key-import.ts";
import { EXIT, Problem } from "../../../core/problem.ts";
import { readWorld, type World } from "../../world.ts";
import { chooseSettings, chooseSources } from "./choose-import.ts";
import { importJson, sourceText, tellImport } from "./import-report.ts";
import { fileSources } from "./import-sources.ts";
import { offersOf, takeImport } from "./take-import.ts";

/** `orouter keys import`: what other tools have kept, taken over; their files stay as they are. */
export const keysImportVerb: Verb = {
  name: "import",
  about: "Take keys over from a file, an older tool, the environment or opencode",
  examples: [
    { line: "orouter keys import", does: "shows what there is on this machine, and asks" },
    { line: "orouter keys import --all --settings", does: "takes everything, thresholds and chains too" },
    { line: "orouter keys import --from nim-rotator", does: "one tool's keys, wherever it keeps them" },
    { line: "orouter keys import keys.json", does: "a file: an export, or that of a tool known here" },
  ],
  args: {
    file: {
      type: "positional",
      required: false,
      description:
        "An export of orouter's, ollama-router.json, opencode.json, nim-rotator-keys.json or auth.json",
      offers: { files: true },
    },
    all: { type: "boolean", description: "Everything that is found on this machine" },
    from: {
      type: "string",
      description: `Only one of: ${IMPORT_KINDS.join(", ")}`,
      valueHint: "TOOL",
      offers: { words: IMPORT_KINDS },
    },
    settings: { type: "boolean", description: "Their strategy, thresholds and chain as well" },
    json: { type: "boolean", description: 'Print {"added","known","leftOut","settings",…}' },
  },
  run: runImport,
  children: {},
};

async function runImport(args: VerbArgs): Promise<number> {
  const way = importWay(args);
  const world = await readWorld();
  using _held = way.kind === "ask" && isInteractive() ? holdKeyboard() : undefined;
  const sources = await sourcesFor(world, way);
  if (sources === undefined) {
    talk.info("Nothing was imported.");
    return EXIT.failed;
  }
  const offers = offersOf(world, sources);
  const asJson = args["json"] === true;
  const mayAsk = isInteractive() && !asJson && args["settings"] === undefined;
  const settings = args["settings"] === true ? offers : mayAsk ? await chooseSettings(offers) : [];
  if (settings === undefined) {
    talk.info("Nothing was imported.");
    return EXIT.failed;
  }
  const result = await takeImport(world, { sources, settings });
  // Who was asked has said no; who was not may not know.
  const offered = mayAsk || args["settings"] !== undefined ? [] : offers;
  if (asJson) outJson(importJson(sources, result, offered));
  else tellImport(result, world.paths.keysFile, offered);
  return EXIT.fine;
}

/** Shows what there is on this machine, asks, and takes it over. */
export async function importAsked(world: World): Promise<void> {
  const sources = await sourcesFor(world, { kind: "ask" });
  const settings = sources === undefined ? undefined : await chooseSettings(offersOf(world, sources));
  if (sources?.length === 0) return;
  if (sources === undefined || settings === undefined) talk.info("Nothing was imported.");
  else tellImport(await takeImport(world, { sources, settings }), world.paths.keysFile);
}

/** What the arguments ask for. */
type ImportWay =
  | { kind: "file"; file: string }
  | { kind: "from"; from: ImportSource["kind"] }
  | { kind: "all" | "ask" };

function importWay(args: VerbArgs): ImportWay {
  const file = textArg(args, "file");
  const from = textArg(args, "from");
  const all = args["all"] === true;
  if ([file !== undefined, from !== undefined, all].filter(Boolean).length > 1)
    throw usageFault("FILE, --from and --all exclude each other.", "Choose one.");
  if (file !== undefined) return { kind: "file", file };
  if (all) return { kind: "all" };
  if (from === undefined) return { kind: "ask" };
  const kind = IMPORT_KINDS.find((one) => one === from);
  if (kind === undefined)
    throw usageFault(
      `Nothing is known of ${JSON.stringify(from)}.`,
      `--from takes one of: ${IMPORT_KINDS.join(", ")}`,
    );
  if (kind === "export") throw usageFault("An export may lie anywhere.", "Name it: orouter keys import FILE");
  return { kind: "from", from: kind };
}

async function sourcesFor(world: World, way: ImportWay): Promise<ImportSource[] | undefined> {
  const places = { ...world, ...opencodePlace(world.env) };
  if (way.kind === "file") return fileSources(way.file, places);
  const found = await findImports(places);
  switch (way.kind) {
    case "all":
      return found;
    case "from": {
      const some = found.filter(({ kind }) => kind === way.from);
      if (some.length === 0) throw nothingFound(way.from);
      return some;
    }
    case "ask":
      if (!isInteractive()) throw nobodyToAsk(found);
      if (found.length === 0)
        talk.info("No file of a tool that is known here, no variable and no key of opencode's.");
      return found.length === 0 ? [] : chooseSources(world, found);
  }
}

function nothingFound(from: string): Problem {
  return new Problem({
    code: "nothing-to-import",
    what: `Nothing of ${from} was found on this machine.`,
    fix: "If its file lies elsewhere, name it: orouter keys import FILE",
  });
}

function nobodyToAsk(found: readonly ImportSource[]): Problem {
  const lines = found.map(
    (source) => `  --from ${source.kind.padEnd(13)} ${sourceText(source)}, ${source.from}`,
  );
  return usageFault(
    "There is no terminal to ask what is to be taken over.",
    [
      found.length === 0 ? "Nothing was found on this machine." : "Found on this machine:",
      ...lines,
      "Take all of it: orouter keys import --all; some of it: --from TOOL; a file: orouter keys import FILE",
      `TOOL is one of: ${IMPORT_KINDS.filter((kind) => kind !== "export").join(", ")}`,
    ].join("\n"),
  );
}
