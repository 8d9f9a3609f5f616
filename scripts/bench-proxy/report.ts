import { FIGURES, type Figure } from "./figures.ts";
import { median, type Sample } from "./measure.ts";

/** What every target did, round by round. */
export type Rounds = Readonly<Record<string, readonly Sample[]>>;

interface Column {
  title: string;
  /** From a target's rounds and those of the others. */
  value: (own: readonly Sample[], all: Rounds) => number | undefined;
  digits: number;
}

type Field = keyof Sample;

function plain(title: string, field: Field, digits = 0, per = 1): Column {
  return { title, digits, value: (own) => over(own.map((one) => scaled(one[field], per))) };
}

/** How many times another target's value, round by round; `less` is taken off both first, as what nothing can save. */
function times(title: string, field: Field, { of, less }: { of: string; less?: string }): Column {
  return {
    title,
    digits: 2,
    value: (own, all) =>
      over(
        own.map((one, round) => {
          const base = less === undefined ? 0 : all[less]?.[round]?.[field];
          const [mine, other] = [one[field], all[of]?.[round]?.[field]];
          if (base === undefined || mine === undefined || other === undefined) return undefined;
          return (mine - base) / (other - base);
        }),
      ),
  };
}

function added(title: string, field: Field): Column {
  return {
    title,
    digits: 0,
    value: (own, all) =>
      over(own.map((one, round) => difference(one[field], all["direct"]?.[round]?.[field]))),
  };
}

const CPU = plain("CPU µs a request", "cpu");
const DIRECT = { less: "direct" };

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  "first-byte": [
    plain("p50 µs", "p50"),
    plain("p99 µs", "p99"),
    added("added p50", "p50"),
    added("added p99", "p99"),
    times("added p50 ÷ relay's", "p50", { of: "relay", ...DIRECT }),
    times("added p99 ÷ relay's", "p99", { of: "relay", ...DIRECT }),
    times("added p50 ÷ nginx's", "p50", { of: "nginx", ...DIRECT }),
    CPU,
    times("CPU ÷ relay's", "cpu", { of: "relay" }),
  ],
  small: [
    plain("requests/s", "rate"),
    times("÷ relay", "rate", { of: "relay" }),
    times("÷ nginx", "rate", { of: "nginx" }),
    CPU,
    times("CPU ÷ relay's", "cpu", { of: "relay" }),
  ],
  chunks: [
    plain("late p50 µs", "p50"),
    plain("late p99 µs", "p99"),
    added("added p50", "p50"),
    times("added p50 ÷ nginx's", "p50", { of: "nginx", ...DIRECT }),
    plain("CPU ms", "cpu", 0, 1000),
    times("CPU ÷ relay's", "cpu", { of: "relay" }),
  ],
  bulk: [
    plain("MB/s", "rate"),
    times("÷ relay", "rate", { of: "relay" }),
    times("÷ nginx", "rate", { of: "nginx" }),
    plain("CPU ms", "cpu", 0, 1000),
    times("CPU ÷ relay's", "cpu", { of: "relay" }),
    plain("peak MB", "peakMb"),
  ],
  limited: [plain("failover p50 µs", "p50"), plain("cost over clean µs", "cost")],
  unplanned: [plain("failover p50 µs", "p50"), plain("cost over clean µs", "cost")],
  memory: [plain("idle MB", "idleMb"), plain("peak MB", "peakMb")],
  many: [
    plain("requests/s", "rate"),
    times("÷ 3 keys", "rate", { of: "orouter" }),
    CPU,
    times("CPU ÷ 3 keys'", "cpu", { of: "orouter" }),
  ],
};

/** One figure as a table in Markdown. */
export function tableOf(name: string, rounds: Rounds): string {
  const columns = COLUMNS[name] ?? [];
  const rows = Object.entries(rounds).map(([target, own]) => [
    target,
    ...columns.map(({ value, digits }) => value(own, rounds)?.toFixed(digits) ?? "-"),
  ]);
  const head = ["target", ...columns.map((column) => column.title)];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, at) => "-".repeat(width + 1) + (at === 0 ? "-" : ":")).join("|")}|`;
  return [`### ${name}: ${aboutOf(FIGURES[name])}`, "", line(head), rule, ...rows.map(line), ""].join("\n");
}

/** The same medians and ratios for programs. */
export function valuesOf(name: string, rounds: Rounds): Record<string, Record<string, number>> {
  const columns = COLUMNS[name] ?? [];
  return Object.fromEntries(
    Object.entries(rounds).map(([target, own]) => {
      const cells = columns.flatMap(({ title, value }) => {
        const found = value(own, rounds);
        return found === undefined ? [] : [[title, found] as const];
      });
      return [target, Object.fromEntries(cells)];
    }),
  );
}

function aboutOf(figure: Figure | undefined): string {
  return figure?.about ?? "";
}

function over(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

function scaled(value: number | undefined, per: number): number | undefined {
  return value === undefined ? undefined : value / per;
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}
