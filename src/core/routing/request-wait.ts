import type { AwaitedLane } from "./next-step.ts";

/** What a request waits for, as a person may see it. No secret is in it. */
export interface RequestWait {
  /** The request's id. */
  id: string;
  session: string | null;
  /** As the client named it: `provider/model`, or a chain's name. */
  asked: string;
  /** The lane that is expected to be ready first, and what holds it. */
  model: string;
  key: string;
  fingerprint: string;
  why: AwaitedLane["why"];
  /** Since when the request has been waiting, over all tries in between. */
  sinceMs: number;
  /** When the lane is asked. */
  untilMs: number;
}
