import { join } from "node:path";
import { commandsPage } from "./commands-page.ts";
import { configPage } from "./config-page.ts";
import { jsonPage } from "./json-page.ts";
import { noticesPage } from "./notices-page.ts";
import { withPresets } from "./presets-table.ts";

/** Writes the generated pages in docs/. A test fails if one of them is out of date. */
const DOCS = join(import.meta.dir, "..", "docs");
const PROVIDERS = join(DOCS, "PROVIDERS.md");

await Bun.write(join(DOCS, "COMMANDS.md"), await commandsPage());
await Bun.write(join(DOCS, "CONFIG.md"), configPage());
await Bun.write(join(DOCS, "JSON.md"), jsonPage());
await Bun.write(join(DOCS, "..", "THIRD-PARTY-NOTICES.md"), noticesPage());
await Bun.write(PROVIDERS, withPresets(await Bun.file(PROVIDERS).text()));
