import { expect, test } from "bun:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { patchToml } from "../../src/config/toml-document.ts";

test.each<[name: string, text: string, value: Record<string, unknown>, after: string]>([
  ["nothing changed", "# c\na = 1 # d\n\n\n", { a: 1 }, "# c\na = 1 # d\n\n\n"],
  ["a value", "# c\na = 1 # d\nb = 2\n", { a: 3, b: 2 }, "# c\na = 3 # d\nb = 2\n"],
  [
    "a first list of tables",
    "",
    { keys: [{ p: "a" }, { p: "b" }] },
    '[[keys]]\np = "a"\n\n[[keys]]\np = "b"\n',
  ],
  [
    "a list of tables beside others",
    "[t]\nx = 1 # d\n[[m]]\ny = 1\n",
    { t: { x: 1 }, m: [{ y: 1 }], r: [{ z: 1 }] },
    "[t]\nx = 1 # d\n[[m]]\ny = 1\n\n[[r]]\nz = 1\n",
  ],
  [
    "one more element",
    "# c\n[[m]]\ny = 1 # d\n",
    { m: [{ y: 1 }, { y: 2, on: true }] },
    "# c\n[[m]]\ny = 1 # d\n\n[[m]]\ny = 2\non = true\n",
  ],
  ["a new table", "a = 1\n", { a: 1, t: { "x/y": ["p"] } }, 'a = 1\n\n[t]\n"x/y" = ["p"]\n'],
  [
    "a new table beside its sisters",
    "[p.a]\nx = 1\n# end\n",
    { p: { a: { x: 1 }, "b c": { y: { z: 2 } } } },
    '[p.a]\nx = 1\n# end\n\n[p."b c"]\ny = {z = 2}\n',
  ],
  ["an empty table", "", { p: { a: {} } }, "[p.a]\n"],
  [
    "a table inside an inline one",
    "p = {a = {x = 1}} # d\n",
    { p: { a: { x: 1 }, b: {} } },
    "p = {a = {x = 1}, b = {}} # d\n",
  ],
  [
    "a list reordered",
    "c = [\n  'a', # 1\n  'b', # 2\n]\n",
    { c: ["b", "a"] },
    "c = [\n  'b', # 2\n  'a', # 1\n]\n",
  ],
  ["line ends of Windows", "# c\r\na = 1\r\n", { a: 2, t: { x: 1 } }, "# c\r\na = 2\r\n\r\n[t]\r\nx = 1\r\n"],
  ["the last element gone", "# about the file\n[[m]]\ny = 1\n", {}, "# about the file\n"],
])("%s is written back with all comments", (_name, text, value, after) => {
  expect(patchToml(text, value)).toBe(after);
});

const FILE = `# about the file

theme = "nord" # colour
[routing] # how
# strategy comes first
strategy = "sticky"
cooldown = { base = "1s" } # inline

[providers.work] # ours
base_url = "http://h/v1"
# between

[[models]] # first
id = "a/b"
[[models]] # second
id = "c/d"

[chains]
coding = [ # list
  "a/b", # best
  "c/d",
]
# the end
`;

const VALUE = {
  theme: "nord",
  routing: { strategy: "sticky", cooldown: { base: "1s" } },
  providers: { work: { base_url: "http://h/v1" } },
  models: [{ id: "a/b" }, { id: "c/d" }],
  chains: { coding: ["a/b", "c/d"] },
};

const COMMENTS = FILE.split("\n").flatMap((line) => /#.*$/.exec(line)?.[0] ?? []);

test("whatever is changed or added, every comment stays and the new value is what is read", () => {
  const name = fc.constantFrom("theme", "x", "y z", "work", "strategy", "a/b");
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.constantFrom("p/q", "r/s")));
  const change = fc.record({
    theme: fc.string(),
    routing: fc.dictionary(name, leaf),
    providers: fc.dictionary(name, fc.dictionary(name, leaf)),
    models: fc.array(fc.record({ id: fc.string(), context: fc.nat() }), { maxLength: 3 }),
    chains: fc.dictionary(name, fc.array(fc.constantFrom("p/q", "r/s"), { minLength: 1 })),
    rules: fc.array(fc.record({ text: fc.string() }), { minLength: 1, maxLength: 2 }),
  });
  fc.assert(
    fc.property(change, (added) => {
      const updated = {
        theme: added.theme,
        routing: { ...VALUE.routing, ...added.routing },
        providers: { ...added.providers, ...VALUE.providers },
        models: [...VALUE.models, ...added.models],
        chains: { ...VALUE.chains, ...added.chains },
        rules: added.rules,
      };
      const text = patchToml(FILE, updated) ?? "";
      expect(JSON.parse(JSON.stringify(parse(text)))).toEqual(JSON.parse(JSON.stringify(updated)));
      for (const comment of COMMENTS) expect(text).toContain(comment);
    }),
    { numRuns: 300 },
  );
});

test("removing any tables leaves the others with their comments", () => {
  const entries = Array.from({ length: 6 }, (_, index) => ({ name: `n${index}`, value: `v${index}` }));
  const text = `# about the file\n\n${entries
    .map(
      ({ name, value }) => `[[keys]] # head ${name}\nname = "${name}"\nvalue = "${value}" # tail ${name}\n`,
    )
    .join("\n")}`;
  fc.assert(
    fc.property(fc.subarray(entries), (kept) => {
      const after = patchToml(text, kept.length === 0 ? {} : { keys: kept }) ?? "";
      expect(after).toStartWith("# about the file\n");
      expect(parse(after)["keys"] ?? []).toEqual(kept);
      for (const { name } of kept) expect(after).toMatch(new RegExp(`# head ${name}\\n[^#]*# tail ${name}`));
    }),
  );
});
