/** How far a call to a provider has come, as a person may see it. No secret is in it. */
export interface AnswerProgress {
  /** The request's id. */
  id: string;
  session: string | null;
  /** As the client named it: `provider/model`, or a chain's name. */
  asked: string;
  /** The lane that answers. */
  model: string;
  key: string;
  fingerprint: string;
  /**
   * `waiting`: nothing has come yet; `call`: a tool call is being written, and held until the answer is whole.
   */
  phase: "waiting" | "thinking" | "text" | "call";
  /** The tool that is being called. */
  tool: string | null;
  /** The length of the text or of the arguments so far, in characters. */
  chars: number;
  /** When the call to the provider began. */
  sinceMs: number;
}
