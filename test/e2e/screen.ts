import { Terminal } from "@xterm/headless";

const PRESS_EVERY = 40;

/** A program in a terminal, and its screen as a user sees it. */
export function openScreen(
  command: readonly string[],
  cwd: string,
  env: Record<string, string>,
  { cols = 120, rows = 35 } = {},
) {
  const screen = new Terminal({ cols, rows, allowProposedApi: true });
  const child = Bun.spawn([...command], {
    cwd,
    env,
    terminal: { cols, rows, data: (_terminal, bytes) => screen.write(bytes) },
  });
  // Programs ask a terminal what it can do, and wait for the answer.
  screen.onData((answer) => void child.terminal?.write(answer));
  const lines = (): string[] => {
    const { active } = screen.buffer;
    return Array.from({ length: screen.rows }, (_, row) => {
      return active.getLine(active.viewportY + row)?.translateToString(true) ?? "";
    });
  };
  const text = (): string => lines().join("\n");
  /** Every line that was ever on the screen: a toast may be gone before a test looks. */
  const seen = new Set<string>();
  screen.onWriteParsed(() => {
    for (const line of lines()) seen.add(line);
  });
  const until = async (what: string, isSo: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 2_000; tries++) {
      if (isSo()) return;
      await Bun.sleep(50);
    }
    throw new Error(`the screen never ${what}; it shows:\n${text()}`);
  };
  return {
    child,
    text,
    type: (keys: string): void => void child.terminal?.write(keys),
    resize: (columns: number, height: number): void => {
      screen.resize(columns, height);
      child.terminal?.resize(columns, height);
    },
    sees: (cue: string | RegExp) =>
      until(`showed ${cue}`, () => (typeof cue === "string" ? text().includes(cue) : cue.test(text()))),
    /** Presses a key repeatedly until a text appears. */
    presses: async (key: string, cue: string): Promise<void> => {
      let tries = 0;
      await until(`showed ${cue}`, () => {
        if (tries++ % PRESS_EVERY === 0 && !text().includes(cue)) child.terminal?.write(key);
        return text().includes(cue);
      });
    },
    hasShown: (cue: string) =>
      until(`showed ${cue} at any time`, () => [...seen].some((line) => line.includes(cue))),
    everShowed: (cue: string): boolean => [...seen].some((line) => line.includes(cue)),
    misses: (cue: string) => until(`lost ${cue}`, () => !text().includes(cue)),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
      screen.dispose();
    },
  };
}
