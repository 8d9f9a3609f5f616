/** `*` already covers everything. */
export function withLoopback(list: string | undefined): string {
  const hosts = (list ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter(Boolean);
  if (hosts.includes("*")) return hosts.join(",");
  for (const host of ["127.0.0.1", "localhost"]) if (!hosts.includes(host)) hosts.push(host);
  return hosts.join(",");
}
