import { join } from "node:path";
import { configPage } from "./config-page.ts";

/** Writes the pages of docs/ that are made from the program itself. A test fails where one is out of date. */
const DOCS = join(import.meta.dir, "..", "docs");

await Bun.write(join(DOCS, "CONFIG.md"), configPage());
