/** Exit codes before opencode has run; once it ran, its own code is ours. */
export const EXIT = { fine: 0, failed: 1, usage: 2, config: 3, noKey: 4 } as const;

export interface ProblemParts {
  /** A stable short name for scripts and tests, e.g. `opencode-not-found`. */
  code: string;
  /** What happened, in one sentence. */
  what: string;
  /** What to do next; a command where there is one. */
  fix?: string;
  exit?: (typeof EXIT)[keyof typeof EXIT];
}

/** A failure we foresee: what happened and what to do next. Only `main.ts` prints it. */
export class Problem extends Error {
  readonly code: string;
  readonly fix: string | undefined;
  readonly exit: number;

  constructor(parts: ProblemParts) {
    super(parts.what);
    this.name = "Problem";
    this.code = parts.code;
    this.fix = parts.fix;
    this.exit = parts.exit ?? EXIT.failed;
  }
}
