import type { ArgDef } from "citty";

/** A line to try, and what it does. Tests run them. */
export interface Example {
  line: string;
  does: string;
}

/** Names that only the user's files tell; `picks` are what opencode takes for a model: models, and chains as `orouter/…`. */
export const NAME_KINDS = ["keys", "providers", "models", "chains", "picks", "settings"] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** What a shell offers where a value is to be typed. */
export interface Offer {
  names?: readonly NameKind[];
  words?: readonly string[];
  /** Of files only those of arguments: a flag's are known by what its help calls its value. */
  files?: boolean;
}

/** An argument as citty knows it, and what a shell offers for it. */
export type VerbArg = ArgDef & { offers?: Offer };

/** A command as users meet it: what citty parses, with examples for its help. */
export interface Verb {
  name: string;
  about: string;
  examples: readonly Example[];
  args: Record<string, VerbArg>;
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
