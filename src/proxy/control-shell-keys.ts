import type { Key } from "../core/key.ts";
import { keyReadiness, lastingRests } from "../core/routing/readiness.ts";
import { restParty } from "../core/routing/rest-party.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Router } from "./router.ts";

/**
 * For each provider variable a key that could be used now: of those that rest for the fewest models the one that has
 * least to do. Providers whose keys all rest are left out, as are stand-ins for a key.
 */
export function shellKeys(router: Router): Record<string, string> {
  const lasting = lastingRests(router.health.values(), router.chance.nowMs());
  const parties = [...lasting.values()].map(restParty);
  const restsOf = (key: Key): number =>
    parties.filter((party) => party.fingerprint === key.fingerprint).length;
  const variables: Record<string, string> = {};
  for (const provider of router.terms.providers.values()) {
    const [key] = router.terms
      .keysOf(provider.id)
      .filter((one) => isReal(one, provider) && keyReadiness(one, lasting).kind === "ready")
      .toSorted((a, b) => restsOf(a) - restsOf(b) || router.inFlight(a) - router.inFlight(b));
    if (key === undefined) continue;
    for (const name of provider.env) if (!provider.sharedEnv.includes(name)) variables[name] = key.secret;
  }
  return variables;
}

function isReal(key: Key, provider: Provider): boolean {
  return key.source !== "embedded" && key.secret !== provider.placeholderKey;
}
