import { talk } from "../../../cli/talk.ts";
import type { ImportSource } from "../../../config/imports/import-source.ts";
import type { SettingOffer } from "../../../core/imports/setting-offers.ts";
import type { World } from "../../world.ts";
import { offerText, sourceText } from "./import-report.ts";
import { freshCount } from "./take-import.ts";

/** Lets a person tick what is to be taken over. Undefined: the person left. */
export async function chooseSources(
  world: World,
  found: readonly ImportSource[],
): Promise<ImportSource[] | undefined> {
  const { askMany } = await import("../../../cli/prompts.ts");
  const options = found.map((source, at) => {
    const fresh = freshCount(world, [source]);
    const news = fresh === 0 ? "all known here" : `${fresh} new`;
    return { value: String(at), label: `${source.tool}: ${sourceText(source)}, ${news}`, hint: source.from };
  });
  // What is in the environment or opencode's own works as it is, and taking it over is a choice of its own.
  const ticked = options.filter((_, at) => {
    const source = found[at];
    return source !== undefined && !["env", "auth"].includes(source.kind) && freshCount(world, [source]) > 0;
  });
  const answer = await askMany(
    "What is to be taken over? (Space ticks, Enter goes on)",
    options,
    ticked.map(({ value }) => value),
  );
  if (answer === undefined) return undefined;
  return found.filter((_, at) => answer.includes(String(at)));
}

/** Lets a person tick the settings that came along. Undefined: the person left. */
export async function chooseSettings(offers: readonly SettingOffer[]): Promise<SettingOffer[] | undefined> {
  if (offers.length === 0) return [];
  const { askMany } = await import("../../../cli/prompts.ts");
  talk.info("The old files have settings, too. config.toml keeps every comment.");
  const options = offers.map((offer, at) => ({ value: String(at), label: offerText(offer) }));
  const answer = await askMany(
    "Which of them? (Space ticks, Enter goes on)",
    options,
    options.map(({ value }) => value),
  );
  return answer === undefined ? undefined : offers.filter((_, at) => answer.includes(String(at)));
}
