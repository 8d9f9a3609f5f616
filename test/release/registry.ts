import { readdirSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  name: string;
  version: string;
}

/** A registry with the packed files of one folder. */
export async function serveRegistry(folder: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const manifests = new Map<string, Manifest & { file: string }>();
  for (const file of readdirSync(folder)) {
    const archive = new Bun.Archive(await Bun.file(join(folder, file)).bytes());
    const text = await (await archive.files("package/package.json")).get("package/package.json")?.text();
    const manifest = JSON.parse(text ?? "{}") as Manifest;
    manifests.set(manifest.name, { ...manifest, file });
  }
  const server: Bun.Server<undefined> = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request): Response => {
      const path = new URL(request.url).pathname.slice(1);
      if (path.endsWith(".tgz")) return new Response(Bun.file(join(folder, path)));
      const found = manifests.get(path);
      if (found === undefined) return Response.json({ error: "not found" }, { status: 404 });
      const { file, ...manifest } = found;
      return Response.json({
        name: manifest.name,
        "dist-tags": { latest: manifest.version },
        versions: { [manifest.version]: { ...manifest, dist: { tarball: `${server.url}${file}` } } },
      });
    },
  });
  return { url: server.url.href, stop: () => server.stop(true) };
}
