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
  const text = (): string => Bun.stripANSI(shown).replace(/\s+/g, " ");
  const forget = (): void => {
    shown = "";
  };
  return {
    child,
    type: (keys: string) => child.terminal?.write(keys),
    /** A new size has the program draw its whole screen again, so that `text` is what a person sees now. */
    redraw: (cols: number, rows: number) => {
      forget();
      child.terminal?.resize(cols, rows);
    },
    /** Only what is shown from now on is in `text`. */
    forget,
    text,
    sees: async (cue: string) => {
      for (let tries = 0; tries < 600; tries++) {
        if (text().includes(cue)) return;
        await Bun.sleep(50);
      }
      throw new Error(`the terminal never showed ${cue}; it showed: ${text().slice(-600)}`);
    },
  };
}
