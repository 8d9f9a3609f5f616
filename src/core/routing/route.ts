/** What a request path asks for. */
export type Route =
  | { kind: "control"; path: string }
  /** `/<provider>/v1/<rest>`: `provider` is undefined under `/v1/`, where the model names it. */
  | { kind: "api"; provider: string | undefined; rest: string }
  | { kind: "unknown" };

const CONTROL = "/_orouter/";
const API = /^\/(?:([^/]+)\/)?v1(?:\/(.*))?$/;

/** Reads a path; dots that would climb out of the provider's base path are refused. */
export function parseRoute(pathname: string): Route {
  if (pathname.startsWith(CONTROL)) return { kind: "control", path: pathname.slice(CONTROL.length - 1) };
  const match = API.exec(pathname);
  if (match === null) return { kind: "unknown" };
  const rest = match[2] ?? "";
  if (/(?:^|\/|%2f|\\)(?:\.|%2e){1,2}(?:$|\/|%2f|\\)/i.test(rest)) return { kind: "unknown" };
  return { kind: "api", provider: match[1] === undefined ? undefined : safeDecode(match[1]), rest };
}

function safeDecode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
