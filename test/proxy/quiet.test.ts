import { expect, test } from "bun:test";
import { fileURLToPath } from "node:url";

test("however upstreams and clients break, the proxy writes nothing", async () => {
  const script = fileURLToPath(import.meta.resolve("./quiet.ts"));
  const child = Bun.spawn([process.execPath, script], { stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect({ out, err, code }).toEqual({ out: "", err: "", code: 0 });
});
