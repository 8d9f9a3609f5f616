const ENTER = "\r";
const DOWN = "\x1b[B";

/** The last line of a list that has the mark, and that it has ended. */
const MARKED = /│ {2}● ([^\n]*)\n(?![\s\S]*│ {2}● )/;

/** What opencode has run while it waits: a step of it may come between two words of an answer. */
const RUNNING_LIGHT = /[■⬝]+/g;

/** A terminal with a program in it, and what it has shown so far. */
export function openTerminal(
  command: readonly string[],
  cwd: string,
  env: Record<string, string>,
  { cols = 120, rows = 35 } = {},
) {
  let shown = "";
  const child = Bun.spawn([...command], {
    cwd,
    env,
    terminal: {
      cols,
      rows,
      data: (_terminal, bytes) => {
        shown += new TextDecoder().decode(bytes);
      },
    },
  });
  const text = (): string => Bun.stripANSI(shown).replace(RUNNING_LIGHT, "").replace(/\s+/g, " ");
  const forget = (): void => {
    shown = "";
  };
  const type = (keys: string) => child.terminal?.write(keys);
  /** The line of a list that Enter would take, once all of it is on the screen. */
  const marked = (): string | undefined => MARKED.exec(Bun.stripANSI(shown))?.[1];
  return {
    child,
    type,
    /** Goes down an open list to a line that holds these words, and takes it. */
    choose: async (words: string) => {
      for (let tries = 0; tries < 2_000; tries++) {
        const line = marked();
        if (line === undefined) {
          await Bun.sleep(20);
          continue;
        }
        forget();
        if (line.includes(words)) return type(ENTER);
        type(DOWN);
      }
      throw new Error(`no line of the list holds ${words}; the terminal shows: ${text().slice(-600)}`);
    },
    /** A new size has the program draw its whole screen again, so that `text` is what a person sees now. */
    redraw: (cols: number, rows: number) => {
      forget();
      child.terminal?.resize(cols, rows);
    },
    /** Only what is shown from now on is in `text`. */
    forget,
    text,
    /** As it came, with all that moves the cursor. */
    raw: () => shown,
    /** opencode 2 takes no prompt before it knows its models, and on an empty prompt Enter does nothing. */
    enterUntil: async (cue: string) => {
      for (let tries = 0; tries < 2_000; tries++) {
        if (text().includes(cue)) return;
        if (tries % 60 === 0) type(ENTER);
        await Bun.sleep(50);
      }
      throw new Error(`Enter never brought ${cue}; the terminal shows: ${text().slice(-600)}`);
    },
    sees: async (cue: string) => {
      for (let tries = 0; tries < 2_000; tries++) {
        if (text().includes(cue)) return;
        // What was drawn bit by bit does not stand together in `text`; all of it drawn anew does.
        if (tries === 400) child.terminal?.resize(cols, rows + 1);
        await Bun.sleep(50);
      }
      throw new Error(`the terminal never showed ${cue}; it showed: ${text().slice(-600)}`);
    },
  };
}
