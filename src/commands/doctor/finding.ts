/** What one look has shown: all well, something to know, or something that is wrong and how to mend it. */
export interface Finding {
  /** What was looked at, in a word or two. */
  check: string;
  level: "ok" | "note" | "wrong";
  /** A sentence; never a secret. */
  what: string;
  /** The command, or the line of a file, that mends it. */
  fix: string | undefined;
}

export function ok(check: string, what: string): Finding {
  return { check, level: "ok", what, fix: undefined };
}

/** Works, but a person may want to know. */
export function note(check: string, what: string, fix?: string): Finding {
  return { check, level: "note", what, fix };
}

/** Keeps something from working, or a secret from being one. */
export function wrong(check: string, what: string, fix: string): Finding {
  return { check, level: "wrong", what, fix };
}
