import type { ArgsDef } from "citty";

/** A line to try, and what it does. Tests run them. */
export interface Example {
  line: string;
  does: string;
}

/** A command as users meet it: what citty parses, with examples for its help. */
export interface Verb {
  name: string;
  about: string;
  examples: readonly Example[];
  args: ArgsDef;
  /** Undefined for a command that only groups others. */
  run: ((args: VerbArgs) => Promise<number>) | undefined;
  /** Loaded when called, so that no command pays for another. */
  children: Record<string, VerbEntry>;
  /** How many words may follow; names of `positional` args, in order, when absent. */
  rest?: boolean;
}

/** A command in its parent's list: its line of help is there without loading it. */
export interface VerbEntry {
  about: string;
  load: () => Promise<Verb>;
}

/** Parsed arguments: named ones by their name, further words under `_`. */
export type VerbArgs = Record<string, unknown> & { _: string[] };
