import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { formatSettingPath } from "../../../src/core/settings/setting-kinds.ts";
import { parseSettings } from "../../../src/core/settings/settings.ts";

function faultsOf(toml: string): { path: string; what: string; allowed: string | undefined }[] {
  const parsed = parseSettings(parse(toml));
  const faults = "faults" in parsed ? parsed.faults : [];
  return faults.map(({ path, what, allowed }) => ({ path: formatSettingPath(path), what, allowed }));
}

type FaultRow = [toml: string, path: string, what: string | RegExp, allowed?: string | RegExp];

const FAULTS: FaultRow[] = [
  ['themee = "x"', "themee", "themee is not a setting; did you mean theme?", /^theme, routing,/],
  ['[routing]\nfailWindow = "5h"', "routing.failWindow", /did you mean fail_window/],
  [
    "[routing]\ncooldown = { factr = 2 }",
    "routing.cooldown.factr",
    /did you mean factor/,
    "base, factor, max",
  ],
  [
    '[routing]\nstrategy = "stikcy"',
    "routing.strategy",
    'routing.strategy cannot be "stikcy"',
    /^one of auto, sticky,/,
  ],
  ['[routing]\nfail_window = "5 hours"', "routing.fail_window", /cannot be "5 hours"/, /a duration such as/],
  ["[routing]\nfail_window = 5", "routing.fail_window", "routing.fail_window cannot be 5", /a duration/],
  ['[routing]\nstall_timeout = "0s"', "routing.stall_timeout", /cannot be "0s"/],
  ['[routing]\nstall_timeout = "25d"', "routing.stall_timeout", /cannot be "25d"/],
  [
    "[routing]\ntries_per_key = 1.5",
    "routing.tries_per_key",
    /cannot be 1.5/,
    "a whole number from 1 to 100",
  ],
  ["[routing]\nresume = nan", "routing.resume", /cannot be NaN/, "true or false"],
  [
    '[routing]\ncooldown = { base = "2h" }',
    "routing.cooldown.base",
    /max \(1h\) is shorter than .*base \(2h\)/,
  ],
  ["routing = 1", "routing", "routing cannot be 1", "a table"],
  ["routing = 1979-05-27", "routing", "routing cannot be a date", "a table"],
  ["[[routing]]", "routing", "routing cannot be a list", "a table"],
  ["providers = []", "providers", "providers cannot be an empty list", "a table"],
  ["[providers.work]\nrpm = 1", "providers.work", "providers.work needs a base_url", /ollama-cloud/],
  [
    "[providers.nvdia]",
    "providers.nvdia",
    "providers.nvdia needs a base_url; did you mean nvidia?",
    /base_url/,
  ],
  ['[providers.orouter]\nbase_url = "http://h"', "providers.orouter", /is a reserved name/],
  ['[providers.v1]\nbase_url = "http://h"', "providers.v1", /is a reserved name/],
  ['[providers."a/b"]\nbase_url = "http://h"', 'providers."a/b"', /not a valid provider id/],
  [
    '[providers.work]\nbase_url = "h:1"',
    "providers.work.base_url",
    /cannot be this text/,
    /http:\/\/ or https:\/\//,
  ],
  ["[chains]\nempty = []", "chains.empty", "chains.empty cannot be an empty list", /at least one/],
  ['[chains]\na = ["b"]\nb = ["orouter/a"]', "chains.a", "chains.a contains itself: a -> b -> a"],
  ['[chains]\na = ["a"]', "chains.a", "chains.a contains itself: a -> a"],
  ['[chains]\ncoding = ["x/y"]\nb = ["codign"]', "chains.b[0]", /did you mean coding/, /provider\/model/],
  ['[chains]\n"a/b" = ["x/y"]', 'chains."a/b"', /not a valid chain name/],
  [
    '[chains]\ncoding = ["a/x,b/y", "a/z"]',
    "chains.coding[0]",
    'chains.coding[0]: "a/x,b/y" contains a comma',
    'one model per entry, as in ["a/x", "b/y"]',
  ],
  ['[fallbacks]\n"a/b" = ["a/c, a/d"]', 'fallbacks."a/b"[0]', /contains a comma/, /\["a\/c", "a\/d"\]/],
  ['[fallbacks]\n"a/b,a/c" = ["a/d"]', 'fallbacks."a/b,a/c"', /contains a comma/, /one model per line/],
  [
    '[providers.nvidia]\nmodels = ["a", "b,c"]',
    "providers.nvidia.models[1]",
    /contains a comma/,
    /\["b", "c"\]/,
  ],
  ['[[models]]\nid = "a/b,c"', "models[0].id", "models[0].id contains a comma", /one model per/],
  ['[fallbacks]\n"a/b" = ["nothing"]', 'fallbacks."a/b"[0]', /neither "provider\/model" nor a chain/],
  ['[fallbacks]\nsingle = ["a/b"]', "fallbacks.single", "fallbacks.single is not a single model", /"\*"/],
  ["[[models]]\ncontext = 1", "models[0]", "models[0] needs either an id or a match"],
  ['[[models]]\nid = "a/b"\nmatch = "a"', "models[0]", "models[0] needs either an id or a match"],
  ['[[models]]\nid = "a"', "models[0].id", "models[0].id is not a model", '"provider/model"'],
  ['[[models]]\nmatch = "("', "models[0].match", /cannot be this text/, /regular expression/],
  ['[[models]]\nmatch = "a"\nadd_if_missing = true', "models[0].add_if_missing", /needs an id/],
  ['[[rules]]\ntext = "x"', "rules[0].verdict", "rules[0].verdict is missing", /one of subscription,/],
  ['[[rules]]\nverdict = "overload"', "rules[0].verdict", /cannot be "overload"/, /overloaded/],
  ['[[rules]]\nverdict = "auth"\nstatus = 42', "rules[0].status", /cannot be 42/],
  ['[opencode]\nplugin = "yes"', "opencode.plugin", 'opencode.plugin cannot be "yes"', "true or false"],
];

test.each(FAULTS.map(([toml, path, what, allowed = /^/]) => [toml, path, what, allowed] as const))(
  "%p is one fault, at %p",
  (toml, path, what, allowed) => {
    const faults = faultsOf(toml);
    expect(faults).toHaveLength(1);
    expect(faults[0]?.path).toBe(path);
    expect(faults[0]?.what).toMatch(exactly(what));
    expect(faults[0]?.allowed ?? "").toMatch(exactly(allowed));
  },
);

function exactly(text: string | RegExp): RegExp {
  return typeof text === "string" ? new RegExp(`^${RegExp.escape(text)}$`) : text;
}

test("all faults of a file are named together, whatever kind they are of", () => {
  const faults = faultsOf('colour = 1\nshade = 2\ntheme = "x"\n[chains]\na = ["b"]\n[providers.work]');
  expect(faults.map((fault) => fault.path).sort()).toEqual([
    "chains.a[0]",
    "colour",
    "providers.work",
    "shade",
    "theme",
  ]);
});

test("a secret in the wrong place is not repeated", () => {
  const faults = faultsOf('[providers]\nwork = "sk-misplaced"\n[providers.nvidia]\nenv = "sk-misplaced"\n');
  expect(faults).toHaveLength(2);
  expect(JSON.stringify(faults)).not.toContain("sk-misplaced");
});
