import { PRESETS } from "./presets.ts";

/** `v1`, `v4`, `v1beta`: a path segment that says which version of an API it leads to. */
const VERSION = /^v\d+[a-z0-9]*$/i;

/** Endpoints that people copy from a curl line together with the base. */
const ENDPOINTS = ["chat/completions", "completions", "responses", "models", "embeddings"];

/**
 * The base under which an upstream's endpoints lie, without a slash at its end.
 *
 * A path that names a version is kept (`/api/paas/v4`, `/v1beta/openai`, `/inference/v1`), as is the address of a
 * preset; every other one gets `/v1`. Exactly one: `/v1/v1` is the most common broken setting of all.
 * Undefined for what is no plain http(s) address; a user name, query or fragment has no place in a base.
 */
export function normalizeBaseUrl(text: string): string | undefined {
  const url = URL.parse(text.trim());
  if (url === null || !isPlain(url)) return undefined;
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  const base = withoutEndpoint(segments);
  const given = joined(url, base);
  if (PRESETS.some((preset) => preset.baseUrl === given)) return given;
  while (base.at(-1) === "v1" && base.at(-2) === "v1") base.pop();
  if (!base.some((segment) => VERSION.test(segment))) base.push("v1");
  return joined(url, base);
}

function isPlain(url: URL): boolean {
  if (url.protocol !== "http:" && url.protocol !== "https:") return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

function joined(url: URL, segments: readonly string[]): string {
  return [url.origin, ...segments].join("/");
}

function withoutEndpoint(segments: readonly string[]): string[] {
  let path = segments.join("/");
  for (let tail = endpointOf(path); tail !== undefined; tail = endpointOf(path)) {
    path = path.slice(0, -tail.length).replace(/\/$/, "");
  }
  return path === "" ? [] : path.split("/");
}

function endpointOf(path: string): string | undefined {
  return ENDPOINTS.find((name) => path === name || path.endsWith(`/${name}`));
}
