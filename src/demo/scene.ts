import type { Call } from "./call.ts";
import type { Reply } from "./reply.ts";

/** A key that the scripted upstream knows. Its secret opens nothing else. */
export interface SceneKey {
  name: string;
  secret: string;
}

/** One scripted provider: who may ask, for what, and what each call is told. */
export interface Scene {
  name: string;
  title: string;
  /** One or two sentences for the person who picks it. */
  about: string;
  /** What shows that it works, as the rest of a sentence; for those who watch it played. */
  lookFor?: string;
  /** Any other key is refused with a 401; with none listed every key is good. */
  keys: SceneKey[];
  /** In the order a chain should have them. Any other is a 404; with none listed every model is there. */
  models: string[];
  /** Which models stand behind each other, by the name of the chain; all of them in one where this is left out. */
  chains?: Record<string, readonly string[]>;
  /** How patient a router should be, where its usual minute would bore a person watching. */
  timeouts?: { firstTokenMs: number; stallMs: number };
  reply: (call: Call) => Reply;
}
