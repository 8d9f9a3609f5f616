import type { Solid } from "../../src/harness/plugin/host2.ts";

/** The part of solid-js that the plugin uses: effects run again after every change. */
export function solid(): Solid {
  const effects: (() => void)[] = [];
  return {
    cell: (first) => {
      let now = first;
      const set = (value: typeof first): void => {
        const isNews = now !== value;
        now = value;
        if (isNews) for (const run of effects) run();
      };
      return [() => now, set];
    },
    effect: (run) => {
      effects.push(run);
      run();
    },
  };
}
