import { Problem } from "../core/problem.ts";
import type { StateFault } from "./fault.ts";

/** What a person is told about a state file in trouble. No request fails for it, so each text says what is lost. */
export function troubleOf(fault: StateFault, file: string, error: unknown): Problem {
  if (error instanceof Problem) return error;
  const why = error instanceof Error ? error.message : String(error);
  switch (fault) {
    case "locked":
      return new Problem({
        code: "state-locked",
        what: `${file} is locked by another program; until it is free, what this run learns is kept in memory only.`,
        fix: "Close the program that holds the file, e.g. a database viewer.",
      });
    case "full":
      return new Problem({
        code: "state-not-written",
        what: `${file} cannot be written (${why}); this run keeps its state in memory and tries again.`,
        fix: "Free some space on that disk.",
      });
    case "broken":
      return new Problem({
        code: "state-broken",
        what: `${file} is broken (${why}); it cannot be used in this run, nor set aside.`,
        fix: "Move the file away; a fresh one is begun.",
      });
    case "closed":
      return new Problem({
        code: "state-not-usable",
        what: `${file} cannot be used (${why}); nothing is remembered after this run.`,
        fix: "Check who owns the file and its folder, or put orouter's files elsewhere with OROUTER_HOME=/a/writable/folder.",
      });
    case "odd":
      return new Problem({
        code: "state-failed",
        what: `${file} refused what was to be kept (${why}); some of this run may be missing in it.`,
        fix: "Please report this.",
      });
  }
}

/** A broken file was put out of the way, and the run goes on with a fresh one. */
export function setAsideTrouble(file: string, aside: string): Problem {
  return new Problem({
    code: "state-set-aside",
    what: `${file} was broken and a fresh one is begun; the old one is kept as ${aside}.`,
    fix: "Delete the old one when you do not want to look into it.",
  });
}
