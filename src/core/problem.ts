/** Exit codes before opencode has started; afterwards opencode's own code is used. */
export const EXIT = { fine: 0, failed: 1, usage: 2, config: 3, noKey: 4 } as const;

export interface ProblemParts {
  /** A stable name for scripts and tests, e.g. `opencode-not-found`. */
  code: string;
  what: string;
  fix?: string;
  exit?: (typeof EXIT)[keyof typeof EXIT];
}

/** An expected failure: what happened and what to do next. Only `main.ts` prints it. */
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
