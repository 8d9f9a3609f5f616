import type { World } from "../world.ts";

/** What setup builds on: the settings and keys there are. */
export type SetupWorld = Pick<World, "env" | "paths" | "settings" | "keys">;
