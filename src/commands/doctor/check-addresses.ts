import { redact } from "../../core/redact.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { isTable } from "../../core/settings/setting-faults.ts";
import { hasDoubledVersion } from "./doubled-version.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const CHECK = "addresses";

/** Whether the providers' addresses are written as they should be, and keep the keys to themselves. */
export function checkAddresses({ written }: Pick<Patient, "written">, used: readonly Provider[]): Finding[] {
  const findings = [...doubled(written), ...used.flatMap(unencrypted)];
  return findings.length > 0 ? findings : [ok(CHECK, "fine")];
}

/** orouter takes the second one away by itself; whoever copies the address from there has no such luck. */
function doubled(written: Record<string, unknown>): Finding[] {
  const providers = isTable(written["providers"]) ? written["providers"] : {};
  return Object.entries(providers).flatMap(([id, provider]) => {
    const baseUrl = isTable(provider) ? provider["base_url"] : undefined;
    if (typeof baseUrl !== "string" || !hasDoubledVersion(baseUrl)) return [];
    const clean = redact(baseUrl, []);
    const right = clean.replace(/(?:\/v1)+\/*$/, "/v1");
    return [
      wrong(
        CHECK,
        `base_url of ${id} has /v1 twice (${clean}).`,
        `Write under [providers.${id}] in config.toml: base_url = "${right}"`,
      ),
    ];
  });
}

function unencrypted({ id, baseUrl }: Provider): Finding[] {
  const url = URL.parse(baseUrl);
  if (url === null || url.protocol !== "http:" || isLoopback(url.hostname)) return [];
  const what = `${id} is called at ${redact(url.origin, [])}: its keys and all you say go there unencrypted.`;
  const fix = `If it can do https, write that into base_url under [providers.${id}] in config.toml.`;
  return [isPrivate(url.hostname) ? note(CHECK, what, fix) : wrong(CHECK, what, fix)];
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || host.startsWith("127.");
}

/** A network of one's own: a name without a dot, or an address that is nobody's on the internet. */
const PRIVATE =
  /^(?:[^.:]+|.+\.(?:local|lan|internal|home\.arpa)|10\..+|192\.168\..+|169\.254\..+|172\.(?:1[6-9]|2\d|3[01])\..+|\[f[cde].+\])$/i;

function isPrivate(host: string): boolean {
  return PRIVATE.test(host);
}
