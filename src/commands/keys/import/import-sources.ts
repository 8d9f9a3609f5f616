import { readFile } from "node:fs/promises";
import { fileProblem } from "../../../config/file-problem.ts";
import type { ImportPlaces } from "../../../config/imports/find-imports.ts";
import type { ImportSource } from "../../../config/imports/import-source.ts";
import { readImport } from "../../../config/imports/read-import.ts";
import { EXIT, Problem } from "../../../core/problem.ts";

/** Thousands of keys fit; what is longer is some other file. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What a file has that a person named. */
export async function fileSources(file: string, places: ImportPlaces): Promise<ImportSource[]> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw fileProblem({ code: "cannot-read", doing: "read", file }, error);
  });
  const text = bytes.length > MAX_BYTES ? "" : new TextDecoder().decode(bytes);
  const sources = readImport(file, text, places);
  if (sources === undefined) throw unknownFile(file);
  return sources;
}

function unknownFile(file: string): Problem {
  return new Problem({
    code: "unknown-import",
    what: `${file} is no file that keys can be taken from.`,
    fix: [
      "It takes an export of orouter's, ollama-router.json, opencode.json, nim-rotator-keys.json or auth.json.",
      "A plain list of keys, one a line: orouter keys add PROVIDER --stdin < FILE",
    ].join("\n"),
    exit: EXIT.usage,
  });
}
