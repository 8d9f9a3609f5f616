const ENTER = "\r";
const DOWN = "\x1b[B";

/** The last marked line of a list, complete with its line end. */
const MARKED = /│ {2}● ([^\n]*)\n(?![\s\S]*│ {2}● )/;

/** opencode's progress animation, which may appear between two words of an answer. */
const RUNNING_LIGHT = /[■⬝]+/g;

/** A program in a terminal, and its output so far. */
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
  /** The line that Enter would choose, once it is complete on the screen. */
  const marked = (): string | undefined => MARKED.exec(Bun.stripANSI(shown))?.[1];
  return {
    child,
    type,
    /** Moves down an open list to a line with these words, and chooses it. */
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
    /** A new size makes the program redraw its whole screen, so that `text` is what a user sees now. */
    redraw: (cols: number, rows: number) => {
      forget();
      child.terminal?.resize(cols, rows);
    },
    /** `text` starts from here. */
    forget,
    text,
    /** The raw output, with cursor movements. */
    raw: () => shown,
    /** opencode 2 accepts no prompt before it knows its models, and on an empty prompt Enter does nothing. */
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
        // Text drawn in pieces is not contiguous in `text`; a full redraw is.
        if (tries === 400) child.terminal?.resize(cols, rows + 1);
        await Bun.sleep(50);
      }
      throw new Error(`the terminal never showed ${cue}; it showed: ${text().slice(-600)}`);
    },
  };
}
