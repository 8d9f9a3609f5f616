import { expect, test } from "bun:test";
import { homebrewFormula, scoopManifest } from "../../scripts/release/manifests.ts";
import { PLATFORMS, platformsNamed } from "../../scripts/release/platforms.ts";

const sums = new Map(
  PLATFORMS.map(({ name, os }, at) => [
    `orouter-${name}${os === "win32" ? ".exe" : ".tar.gz"}`,
    String(at).repeat(64),
  ]),
);
const release = { baseUrl: "http://127.0.0.1:9/v1", homepage: "http://127.0.0.1:9/", sums };

test("the formula names the file and the sum of every Mac and of both kinds of Linux", () => {
  const formula = homebrewFormula(release);
  const named = [...formula.matchAll(/url "[^"]*\/(orouter-[^"]+)"\s+sha256 "(\d+)"/g)];
  expect(named.map(([, file, sum]) => [file, sum])).toEqual(
    ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"].map((name) => [
      `orouter-${name}.tar.gz`,
      sums.get(`orouter-${name}.tar.gz`),
    ]),
  );
});

test("Scoop's manifest renames what it fetches to the program's name", () => {
  expect(JSON.parse(scoopManifest(release)).architecture["64bit"]).toEqual({
    url: "http://127.0.0.1:9/v1/orouter-windows-x64.exe#/orouter.exe",
    hash: sums.get("orouter-windows-x64.exe"),
  });
});

test("a release without one of the files is none", () => {
  expect(() => homebrewFormula({ ...release, sums: new Map() })).toThrow("orouter-darwin-arm64.tar.gz");
});

test("a mistyped platform is named, and so are those there are", () => {
  expect(() => platformsNamed(["linux-x46"])).toThrow(/linux-x46.*linux-x64/);
});
