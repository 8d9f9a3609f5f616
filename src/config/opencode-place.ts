import { homedir } from "node:os";
import type { OpencodePlace } from "./opencode-configs.ts";
import type { Env } from "./paths.ts";

/** Where opencode would look if it were started here and now. */
export function opencodePlace(env: Env): OpencodePlace {
  return { env, home: env["HOME"] ?? homedir(), cwd: process.cwd() };
}
