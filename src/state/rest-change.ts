import type { Rest } from "../core/routing/rest.ts";

/** One thing learned about a party: it rests, or its rest is over. The latest one holds. */
export type RestChange =
  | { kind: "rested"; id: string; atMs: number; rest: Rest }
  | { kind: "cleared"; id: string; atMs: number };
