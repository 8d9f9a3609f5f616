import { basename } from "node:path";

/** The SHA-256 of a file, in hexadecimal. */
export async function sumOf(file: string): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(file).stream()) hasher.update(chunk);
  return hasher.digest("hex");
}

/** Writes what `sha256sum --check` reads. Returns the sums by the files' names. */
export async function writeSums(to: string, files: readonly string[]): Promise<Map<string, string>> {
  const sums = new Map<string, string>();
  for (const file of files) sums.set(basename(file), await sumOf(file));
  await Bun.write(to, [...sums].map(([name, sum]) => `${sum}  ${name}\n`).join(""));
  return sums;
}
