import { isTable } from "../settings/setting-faults.ts";
import { isKeyExport } from "./export-format.ts";

/** What a file with keys is, as its content shows. */
export type ImportFormat =
  | "export"
  | "opencode-config"
  | "nim-rotator"
  | "ollama-router"
  | "multi-auth"
  | "auth";

/** Recognises a file by what is in it. The name decides only between two tools that write the same. */
export function recogniseImport(value: unknown, fileName: string): ImportFormat | undefined {
  if (!isTable(value)) return undefined;
  if (isKeyExport(value)) return "export";
  if (Array.isArray(value["plugin"])) return "opencode-config";
  if (isTable(value["ollamaMultiAuth"])) return "multi-auth";
  if (Array.isArray(value["keys"])) return listFormat(value["keys"], value, fileName);
  const entries = Object.values(value);
  const isAuth = entries.length > 0 && entries.every((entry) => isTable(entry) && "type" in entry);
  return isAuth ? "auth" : undefined;
}

function listFormat(
  keys: readonly unknown[],
  value: Record<string, unknown>,
  fileName: string,
): ImportFormat | undefined {
  if (keys.length > 0 && keys.every(isTable)) return "nim-rotator";
  if (keys.length === 0) return "rotationStrategy" in value ? "nim-rotator" : "ollama-router";
  if (!keys.some((key) => typeof key === "string")) return undefined;
  return /multi/i.test(`${fileName} ${String(value["providerId"] ?? "")}`) ? "multi-auth" : "ollama-router";
}
