import { describe, expect, test } from "bun:test";
import { commandsOf, isAsShown } from "./console.ts";
import { PAGES, samplesOf } from "./pages.ts";
import { type Play, playsOf } from "./plays.ts";
import { sampleMachine } from "./sample-machine.ts";
import { STAGES } from "./stages.ts";

/** Several starts of opencode, which take long on a busy machine. */
const PLAY_LIMIT_MS = 300_000;

interface Stumble {
  at: string;
  line: string;
  printed: string;
}

/** Runs what a page shows, and returns every difference in the output. */
async function perform({ at, stage, steps }: Play): Promise<{ shown: Stumble[]; printed: Stumble[] }> {
  const setting = STAGES[stage];
  if (setting === undefined) throw new Error(`${at}: there is no stage ${stage}`);
  await using machine = await sampleMachine(setting);
  const shown: Stumble[] = [];
  const printed: Stumble[] = [];
  for (const step of steps) {
    if (step.kind === "config") {
      machine.configure(step.text);
      continue;
    }
    const commands = commandsOf(step.text);
    const outputs = await machine.type(commands.map(({ line }) => line));
    for (const [nth, command] of commands.entries()) {
      const output = outputs[nth] ?? "the shell had ended by then";
      if (isAsShown(output, command.printed, step)) continue;
      shown.push({ at: step.at, line: command.line, printed: command.printed });
      printed.push({ at: step.at, line: command.line, printed: output });
    }
  }
  return { shown, printed };
}

const PLAYS = PAGES.flatMap((page) => playsOf(samplesOf(page)));

describe("what the pages show is what is printed", () => {
  const plays = PLAYS.map((play) => [play.at, play] as const);
  test.each(plays)(
    "%s",
    async (_at, play) => {
      const { shown, printed } = await perform(play);
      expect(printed).toEqual(shown);
    },
    PLAY_LIMIT_MS,
  );
});

test("a page that shows something else is found out", async () => {
  const page = (text: string) => playsOf(samplesOf("page", text));
  const wrong = page("<!-- stage fine -->\n```console\n$ orouter keys strategy\nround-robin\n```\n");
  const [play] = wrong;
  if (play === undefined) throw new Error("no play was read");
  const { printed } = await perform(play);
  expect(printed).toEqual([
    { at: "page:3", line: "orouter keys strategy", printed: expect.stringContaining("auto") },
  ]);
  expect(() => page("```console\n$ orouter\n```\n")).toThrow("no stage");
  expect(() => page("<!-- figures wary -->\n```console\n$ orouter\n```\n")).toThrow("neither");
});
