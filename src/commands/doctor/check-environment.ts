import { type Finding, note, ok, wrong } from "./finding.ts";
import type { Patient } from "./patient.ts";

const PROXIES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const LOOPBACK = ["127.0.0.1", "localhost"];

/** Variables that come between opencode, orouter and the providers. Their values may hold a login and are not shown. */
export function checkEnvironment({ env }: Pick<Patient, "env">): Finding[] {
  const certificates =
    env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0"
      ? [
          wrong(
            "certificates",
            "NODE_TLS_REJECT_UNAUTHORIZED is 0: keys go to whoever answers in a provider's place.",
            "unset NODE_TLS_REJECT_UNAUTHORIZED",
          ),
        ]
      : [];
  return [proxyFinding(env), ...certificates];
}

function proxyFinding(env: Patient["env"]): Finding {
  const set = PROXIES.filter((name) => (env[name] ?? "") !== "");
  if (set.length === 0) return ok("proxy variables", "none");
  const names = set.join(", ");
  const excepted = (env["NO_PROXY"] ?? env["no_proxy"] ?? "").split(",").map((host) => host.trim());
  const isExcepted = excepted.includes("*") || LOOPBACK.every((host) => excepted.includes(host));
  if (isExcepted) return ok("proxy variables", `${names}, with an exception for this machine`);
  return note(
    "proxy variables",
    `${names} without an exception for this machine: orouter adds it for itself and for opencode, so that their calls to each other stay here.`,
  );
}
