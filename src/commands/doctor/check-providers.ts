import { readModelList } from "../../core/catalog/model-list.ts";
import { type Key, keyTitle } from "../../core/key.ts";
import type { Cooldown } from "../../core/routing/cooldown.ts";
import { keyReadiness, lastingCooldowns } from "../../core/routing/readiness.ts";
import { redact } from "../../core/scrub.ts";
import { isTable } from "../../core/settings/checks.ts";
import { findPreset } from "../../core/settings/presets.ts";
import type { Provider } from "../../core/settings/provider.ts";
import { allProviders } from "../../core/settings/settings.ts";
import { counted, formatWait } from "../../core/text.ts";
import { classifyFailure } from "../../core/verdict/failure.ts";
import { readHead } from "../../proxy/read-reply.ts";
import { send } from "../../proxy/transport.ts";
import { keepLoopbackDirect } from "../catalog.ts";
import { type DoctorContext, type Finding, note, ok, wrong } from "./doctor-context.ts";

const PROXIES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const LOOPBACK = ["127.0.0.1", "localhost"];

/** The values may contain a login, so only the names are shown. */
export function checkEnvironment({ env }: Pick<DoctorContext, "env">): Finding[] {
  const certificates =
    env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0"
      ? [
          wrong(
            "certificates",
            "NODE_TLS_REJECT_UNAUTHORIZED is 0: keys are sent to any server that poses as a provider.",
            "unset NODE_TLS_REJECT_UNAUTHORIZED",
          ),
        ]
      : [];
  return [proxyFinding(env), ...certificates];
}

function proxyFinding(env: DoctorContext["env"]): Finding {
  const set = PROXIES.filter((name) => (env[name] ?? "") !== "");
  if (set.length === 0) return ok("proxy variables", "none");
  const names = set.join(", ");
  const excepted = (env["NO_PROXY"] ?? env["no_proxy"] ?? "").split(",").map((host) => host.trim());
  const isExcepted = excepted.includes("*") || LOOPBACK.every((host) => excepted.includes(host));
  if (isExcepted) return ok("proxy variables", `${names}, with an exception for this machine`);
  return note(
    "proxy variables",
    `${names} without an exception for this machine: orouter adds one for itself and for opencode, so that calls between them stay local.`,
  );
}

/** A reset time given as a time of day is wrong by as much as the clock is. */
const MAX_SKEW_MS = 2 * 60_000;

/** The smallest difference counts: a single provider's clock may be wrong. */
export function checkClock(probed: readonly Probed[]): Finding[] {
  const skews = probed.flatMap(({ probe }) => (probe.kind === "answer" ? (probe.skewMs ?? []) : []));
  const [least] = skews.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  if (least === undefined) return [];
  if (Math.abs(least) <= MAX_SKEW_MS) return [ok("clock", "matches the providers' clocks")];
  const what = `The clock of this machine is ${formatWait(Math.abs(least))} ${least > 0 ? "behind" : "ahead of"} the providers': cooldowns are too ${least > 0 ? "long" : "short"} where a provider names a time of day.`;
  return [wrong("clock", what, "Set it from the network, e.g.: timedatectl set-ntp true")];
}

const ADDRESSES = "addresses";

const DOUBLED = /\/v1\/+v1(?:\/|$)/;

export function hasDoubledVersion(address: string): boolean {
  return DOUBLED.test(address);
}

export function checkAddresses(
  { written }: Pick<DoctorContext, "written">,
  used: readonly Provider[],
): Finding[] {
  const findings = [...doubled(written), ...used.flatMap(unencrypted)];
  return findings.length > 0 ? findings : [ok(ADDRESSES, "fine")];
}

/** orouter drops the second `/v1` itself; other programs that use the same address do not. */
function doubled(written: Record<string, unknown>): Finding[] {
  const providers = isTable(written["providers"]) ? written["providers"] : {};
  return Object.entries(providers).flatMap(([id, provider]) => {
    const baseUrl = isTable(provider) ? provider["base_url"] : undefined;
    if (typeof baseUrl !== "string" || !hasDoubledVersion(baseUrl)) return [];
    const clean = redact(baseUrl, []);
    const right = clean.replace(/(?:\/v1)+\/*$/, "/v1");
    return [
      wrong(
        ADDRESSES,
        `base_url of ${id} has /v1 twice (${clean}).`,
        `Write under [providers.${id}] in config.toml: base_url = "${right}"`,
      ),
    ];
  });
}

function unencrypted({ id, baseUrl }: Provider): Finding[] {
  const url = URL.parse(baseUrl);
  if (url === null || url.protocol !== "http:" || isLoopback(url.hostname)) return [];
  const what = `${id} is called at ${redact(url.origin, [])}: its keys and your prompts are sent unencrypted.`;
  const fix = `If it supports https, write that into base_url under [providers.${id}] in config.toml.`;
  return [isPrivate(url.hostname) ? note(ADDRESSES, what, fix) : wrong(ADDRESSES, what, fix)];
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || host.startsWith("127.");
}

/** A private network: a name without a dot, or an address that the internet does not route. */
const PRIVATE =
  /^(?:[^.:]+|.+\.(?:local|lan|internal|home\.arpa)|10\..+|192\.168\..+|169\.254\..+|172\.(?:1[6-9]|2\d|3[01])\..+|\[f[cde].+\])$/i;

function isPrivate(host: string): boolean {
  return PRIVATE.test(host);
}

export interface Probed {
  provider: Provider;
  key: Pick<Key, "provider" | "name" | "source">;
  probe: Probe;
}

export type Probe =
  | { kind: "answer"; status: number; models: readonly string[]; skewMs: number | undefined }
  | { kind: "none"; why: string };

/** A provider that needs longer is too slow to work with. */
const PROBE_MS = 8000;

/** The longest known list of models has a few megabytes. */
const LIST_BYTES = 16 * 1024 * 1024;

export function usableProviders({ settings, keys }: DoctorContext): Provider[] {
  const withKey = new Set((keys ?? []).filter((key) => key.enabled).map((key) => key.provider));
  return allProviders(settings).filter((provider) => withKey.has(provider.id));
}

export function probeAll(
  context: DoctorContext,
  cooldowns: readonly Cooldown[],
  nowMs: number,
): Promise<Probed[]> {
  keepLoopbackDirect(process.env);
  const lasting = lastingCooldowns(cooldowns, nowMs);
  const isReady = (key: Key): boolean => keyReadiness(key, lasting).kind === "ready";
  const probes = usableProviders(context).map(async (provider) => {
    const keys = (context.keys ?? []).filter((key) => key.enabled && key.provider === provider.id);
    // A key in cooldown would only confirm what is known.
    const key = keys.find(isReady) ?? keys[0];
    if (key === undefined) throw new Error(`${provider.id} has no key to send`);
    return { provider, key, probe: await probeProvider(provider, key.secret) };
  });
  return Promise.all(probes);
}

/** The list of models is the cheapest request that checks address and key. */
async function probeProvider(provider: Provider, secret: string): Promise<Probe> {
  const signal = AbortSignal.timeout(PROBE_MS);
  const sentMs = Date.now();
  try {
    const response = await send({
      url: `${provider.baseUrl}/models`,
      method: "GET",
      headers: new Headers({ accept: "application/json" }),
      secret,
      body: undefined,
      signal,
    });
    const skewMs = skewOf(response.headers, sentMs, Date.now());
    const text = await readHead(response.body?.getReader(), response.ok ? LIST_BYTES : 0);
    // A list cut short by the timeout does not count.
    signal.throwIfAborted();
    return { kind: "answer", status: response.status, models: response.ok ? modelsIn(text) : [], skewMs };
  } catch (cause) {
    return { kind: "none", why: classifyFailure(cause).message };
  }
}

/** How far the provider's clock is ahead of ours; undefined without a usable Date header. */
function skewOf(headers: Headers, sentMs: number, receivedMs: number): number | undefined {
  const date = Date.parse(headers.get("date") ?? "");
  // A cached response keeps its old date.
  if (Number.isNaN(date) || headers.has("age")) return undefined;
  return date - (sentMs + receivedMs) / 2;
}

function modelsIn(text: string): string[] {
  try {
    return (readModelList(JSON.parse(text)) ?? []).map((model) => model.id);
  } catch {
    return [];
  }
}

export function checkProvider({ provider, key, probe }: Probed): Finding {
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
      ? wrong(check, `${at} needs a key (${status}).`, `orouter keys add ${id}`)
      : wrong(
          check,
          `${at} refuses the key ${title} (${status}).`,
          `Test its keys: orouter keys test --provider ${id}`,
        );
  }
  if (status === 404 || status === 405) return noListFinding(provider, status);
  if (status < 400)
    return wrong(check, `${at} redirects (${status}), and a key is only sent to its own address.`, address);
  if (status >= 500) return wrong(check, `${at} fails (${status}).`, "Try again later: orouter doctor");
  // Reaching a limit is the normal case that orouter handles.
  return note(check, `${at} can be reached, and refuses for the moment (${status}).`);
}

/** A preset's address is known to be right, so the connection must be the problem. */
function addressFix({ id, baseUrl }: Provider): string {
  return findPreset(id)?.baseUrl === baseUrl && baseUrl.startsWith("https:")
    ? "Check this machine's internet connection. Behind a proxy, set HTTPS_PROXY."
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

/** Some services have no list of models; the address may still be right. */
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
