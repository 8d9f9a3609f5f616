import { expect, test } from "bun:test";
import { filmSvg } from "../../scripts/picture/film.ts";
import { readPage } from "./pages.ts";

const PICTURE = readPage("docs/picture.svg");
const TEXTS = [...PICTURE.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].flatMap(([, text]) => text ?? []);

test("the picture shows how each key was answered, in every frame", () => {
  const [head = ""] = PICTURE.split('<g class="s s0">');
  expect(head).toContain("401 unauthorized");
  expect(head).toContain("429 weekly limit reached");
  expect(head).toContain(">answers<");
});

test("its first frame has the answer, and is the one without motion", () => {
  const [, first = ""] = PICTURE.split('<g class="s ');
  expect(first).toStartWith("s0");
  expect(first).toContain("say hello");
  expect(first).toContain("Hello!");
  expect(PICTURE).toContain(".s{opacity:0}.s0{opacity:1}");
  expect(PICTURE).toContain("@media (prefers-reduced-motion:reduce){.s{animation:none}}");
});

test("it uses no character that fonts may lack", () => {
  expect(TEXTS.length).toBeGreaterThan(20);
  expect(TEXTS.filter((text) => /[^ -~·…]/.test(text))).toEqual([]);
});

test("signs of a terminal are drawn, and words keep their columns", () => {
  const run = { text: "❯ a  b", column: 0, cells: 6, ink: "#fff", paper: undefined, isBold: false };
  const svg = filmSvg([], [{ frame: { cols: 10, rows: [[run]] }, seconds: 1 }], "one <frame>");
  expect(svg).not.toContain("❯");
  expect(svg.match(/<path /g)).toHaveLength(1);
  expect([...svg.matchAll(/<text x="([\d.]+)"[^>]*>(\w)</g)].map(([, x, text]) => [x, text])).toEqual([
    ["16.8", "a"],
    ["42", "b"],
  ]);
  expect(svg).toContain("one &lt;frame&gt;");
});
