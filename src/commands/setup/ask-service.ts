import { getJson } from "../../catalog/get-json.ts";
import type { Guide } from "../../cli/guide.ts";
import { askChoice, askText } from "../../cli/prompts.ts";
import type { ProviderAddition } from "../../config/first-config.ts";
import { freeName } from "../../core/free-name.ts";
import { normalizeBaseUrl } from "../../core/settings/base-url.ts";
import { allProviders, parseSettings, type Settings } from "../../core/settings/settings.ts";
import { answered } from "./answered.ts";

/** A service of one's own, as it goes into config.toml. */
interface OwnService {
  id: string;
  table: ProviderAddition;
}

/** Long enough for a slow service, short enough to wait for at a prompt. */
const ASK_MS = 5_000;

/** Asks for the address and the name of a service that is not on the list. */
export async function askService(guide: Guide, settings: Settings): Promise<OwnService> {
  const base = await askAddress(guide);
  const taken = allProviders(settings).map((provider) => provider.id);
  const id = answered(
    await askText("A short name for it", {
      initial: freeName(nameFrom(base), (name) => taken.includes(name)),
      fault: (name) => nameFault(name, base, taken),
    }),
  );
  return { id, table: { base_url: base } };
}

async function askAddress(guide: Guide): Promise<string> {
  for (let initial = ""; ; ) {
    initial = answered(
      await askText("The address of the service (its base URL)", {
        initial,
        placeholder: "http://localhost:8000/v1",
        fault: addressFault,
      }),
    );
    const base = normalizeBaseUrl(initial) ?? initial;
    const doubt = await doubtAbout(base);
    if (doubt === undefined) return base;
    guide.warn(`${base} was asked for its models, and ${doubt}.`);
    const choice = await askChoice("What now?", [
      { value: "again", label: "Type the address again" },
      { value: "keep", label: "Use it all the same" },
    ]);
    if (answered(choice) === "keep") return base;
  }
}

function addressFault(text: string): string | undefined {
  if (normalizeBaseUrl(text) !== undefined) return undefined;
  return "An http:// or https:// address, without user name, query or fragment.";
}

/** What speaks against an address. That it wants a key does not: it is there, and it is asked for one next. */
async function doubtAbout(base: string): Promise<string | undefined> {
  const answer = await getJson({ url: `${base}/models`, signal: AbortSignal.timeout(ASK_MS) });
  if (answer.kind === "json" || answer.status === 401 || answer.status === 403) return undefined;
  return answer.message;
}

/** `api.example.com` is called `example`; what runs on this machine, `local`. */
function nameFrom(base: string): string {
  const host = URL.parse(base)?.hostname ?? "";
  if (host === "localhost" || !/[a-z]/i.test(host)) return "local";
  return host.split(".").at(-2) ?? host;
}

function nameFault(name: string, base: string, taken: readonly string[]): string | undefined {
  if (taken.includes(name)) return "There is a service of that name already.";
  const parsed = parseSettings({ providers: { [name]: { base_url: base } } });
  if ("settings" in parsed) return undefined;
  const [fault] = parsed.faults;
  return fault?.allowed === undefined ? "That name is taken by orouter itself." : `Only ${fault.allowed}.`;
}
