import { normalizeBaseUrl } from "../core/settings/base-url.ts";

/**
 * The address under which a provider's endpoints lie: exactly one `/v1`, or the path as given where it names another
 * version. Throws for what is no plain http(s) address.
 */
export function normalizeBaseURL(baseURL: string): string {
  const normal = normalizeBaseUrl(baseURL);
  if (normal !== undefined) return normal;
  // It is not repeated: a user name and password may be in it, which is one of the things that are wrong.
  throw new Error("The base URL must be an http(s) address without user name, query or fragment.");
}
