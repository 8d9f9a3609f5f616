import { parseRoute, type Route } from "../core/routing/route.ts";

/** Where a request goes. */
export interface Address {
  route: Route;
  /** The query with its question mark, or nothing. */
  search: string;
}

/** Addresses remembered at a time: a client asks few, again and again. */
const MAX_ADDRESSES = 200;

/** Reads URLs, each only once. */
export function createAddressBook(): (url: string) => Address {
  const known = new Map<string, Address>();
  return (url) => {
    const before = known.get(url);
    if (before !== undefined) return before;
    const { pathname, search } = new URL(url);
    const address = { route: parseRoute(pathname), search };
    if (known.size >= MAX_ADDRESSES) known.clear();
    known.set(url, address);
    return address;
  };
}
