/** Every way to write an address of this machine; the forms are those that programs look for in NO_PROXY. */
const LOOPBACK = ["127.0.0.1", "localhost", "127.0.0.0/8", "::1", "[::1]", "0.0.0.0", "::", "[::]"];

/** `*` already covers everything. */
export function withLoopback(list: string | undefined): string {
  const hosts = (list ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter(Boolean);
  if (hosts.includes("*")) return hosts.join(",");
  return [...hosts, ...LOOPBACK.filter((host) => !hosts.includes(host))].join(",");
}
