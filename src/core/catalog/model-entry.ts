/** Where it is known from that a provider has a model. */
export type ModelSource = "live" | "models.dev" | "config" | "default";

/** Prices in dollars for a million tokens. */
export interface ModelCost {
  input: number;
  output: number;
  cacheRead: number | undefined;
  cacheWrite: number | undefined;
}

/** What a message may hold, in opencode's words. */
export type Modality = "text" | "image" | "audio" | "video" | "pdf";

/** What a model can do. Undefined is what nobody has told: not a no. */
export interface ModelTraits {
  /** Its window in tokens. */
  context: number | undefined;
  /** Its longest answer in tokens. */
  output: number | undefined;
  /** Its longest prompt, where that is less than the window. */
  input: number | undefined;
  toolCall: boolean | undefined;
  reasoning: boolean | undefined;
  inputs: readonly Modality[] | undefined;
  outputs: readonly Modality[] | undefined;
  cost: ModelCost | undefined;
}

/** A model of a provider, or one of our own chains. */
export interface ModelEntry extends ModelTraits {
  /** As it goes on the wire, without its provider. */
  id: string;
  name: string;
  source: ModelSource;
  /** Its provider is known to have taken it away, and has not listed it since. */
  isRetired: boolean;
  /** The id of the model that its provider recommends in its place. */
  replacement: string | undefined;
  /** Members of a chain or combo that nothing is known about: the rest stands for all. */
  leftOut: readonly string[];
}

/** The traits of a model that nobody has told anything about. */
export const UNKNOWN_TRAITS: ModelTraits = {
  context: undefined,
  output: undefined,
  input: undefined,
  toolCall: undefined,
  reasoning: undefined,
  inputs: undefined,
  outputs: undefined,
  cost: undefined,
};

/** Whether a model takes images; undefined where nobody says. */
export function takesImages(traits: Pick<ModelTraits, "inputs">): boolean | undefined {
  return traits.inputs?.includes("image");
}

/** Whether enough is known of a model to reckon with it. */
export function isResolved(traits: ModelTraits): boolean {
  return traits.context !== undefined || traits.toolCall !== undefined;
}
