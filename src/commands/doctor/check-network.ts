import { formatWait } from "../../core/text.ts";
import type { Probed } from "./check-providers.ts";
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
