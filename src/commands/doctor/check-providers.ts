import { formatWait } from "../../core/clock-text.ts";
import { counted } from "../../core/counted.ts";
import type { Key } from "../../core/key.ts";
import { keyTitle } from "../../core/key.ts";
import { redact } from "../../core/redact.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import type { Probe } from "./probe-provider.ts";

/** A provider, the key it was asked with, and what came of it. */
export interface Probed {
  provider: Provider;
  key: Pick<Key, "provider" | "name" | "source">;
  probe: Probe;
}

/** Resets that are told as a time of day go wrong by as much as the clock does. */
const MAX_SKEW_MS = 2 * 60_000;

/** What the providers' answers mean. */
export function checkProviders(probed: readonly Probed[]): Finding[] {
  return [...probed.map(providerFinding), ...clockFindings(probed)];
}

function providerFinding({ provider, key, probe }: Probed): Finding {
  const { id } = provider;
  const at = redact(provider.baseUrl, []);
  const check = `provider ${id}`;
  const address = addressFix(provider);
  if (probe.kind === "none") return wrong(check, `${at} cannot be used: ${probe.why}`, address);
  const { status } = probe;
  if (status >= 200 && status < 300) return listFinding(provider, probe.models.length);
  if (status === 401 || status === 403) {
    const title = keyTitle(key);
    return key.source === "embedded"
      ? wrong(check, `${at} wants a key (${status}).`, `orouter keys add ${id}`)
      : wrong(
          check,
          `${at} refuses the key ${title} (${status}).`,
          `See which keys are good: orouter keys test --provider ${id}`,
        );
  }
  if (status === 404 || status === 405) return noListFinding(provider, status);
  if (status < 400)
    return wrong(check, `${at} sends elsewhere (${status}), and a key is for its own address only.`, address);
  if (status >= 500) return wrong(check, `${at} fails (${status}).`, "Look again later: orouter doctor");
  // A limit that is reached is the everyday case that orouter is for.
  return note(check, `${at} can be reached, and refuses for the moment (${status}).`);
}

/** An address that we know is right as it is: then it is the way there that is broken. */
function addressFix({ id, baseUrl }: Provider): string {
  return findPreset(id)?.baseUrl === baseUrl && baseUrl.startsWith("https:")
    ? "Check this machine's way to the internet; where it leads through a proxy, set HTTPS_PROXY."
    : `Check base_url under [providers.${id}] in config.toml, and whether the service runs.`;
}

function listFinding(provider: Provider, count: number): Finding {
  const check = `provider ${provider.id}`;
  const at = redact(provider.baseUrl, []);
  if (count > 0) return ok(check, `${at}, ${counted(count, "model")}`);
  if (provider.models.length > 0) return ok(check, `${at}, with the models that config.toml names`);
  return wrong(
    check,
    `${at} lists no models.`,
    `Make some visible there, or name them under [providers.${provider.id}] in config.toml: models = ["auto"]`,
  );
}

/** Some services have no list; then the address may still be right. */
function noListFinding(provider: Provider, status: number): Finding {
  const check = `provider ${provider.id}`;
  const what = `${redact(provider.baseUrl, [])} has no list of models (${status}).`;
  if (provider.models.length > 0) return ok(check, `${what} config.toml names them.`);
  return wrong(
    check,
    what,
    `If the address is right, name its models under [providers.${provider.id}] in config.toml: models = ["…"]`,
  );
}

/** Where several tell the time, the one closest to us speaks: a provider's clock may be the wrong one. */
function clockFindings(probed: readonly Probed[]): Finding[] {
  const skews = probed.flatMap(({ probe }) => (probe.kind === "answer" ? (probe.skewMs ?? []) : []));
  const [least] = skews.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  if (least === undefined) return [];
  if (Math.abs(least) <= MAX_SKEW_MS) return [ok("clock", "agrees with the providers'")];
  const what = `The clock of this machine is ${formatWait(Math.abs(least))} ${least > 0 ? "behind" : "ahead of"} the providers': keys rest too ${least > 0 ? "long" : "short"} where a time of day is named.`;
  return [wrong("clock", what, "Set it by the network, e.g.: timedatectl set-ntp true")];
}
