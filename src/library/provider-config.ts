/** How to speak to a provider; anything else is taken for `chat`. */
export type ApiMode = "chat" | "responses";

/** A model and what is known of it. What nobody has told is absent. */
export interface ProviderModel extends ModelCapabilities {
  id: string;
  name: string;
  description?: string;
}

/** What a model can do; of a combo, what all its members can. */
export interface ModelCapabilities {
  /** In tokens. */
  contextWindow?: number;
  /** The longest answer, in tokens. */
  maxTokens?: number;
  supportsStreaming?: boolean;
  supportsVision?: boolean;
  supportsTools?: boolean;
  supportsReasoning?: boolean;
  /** Dollars for a million tokens. */
  pricing?: { input?: number; output?: number };
}

/** Your own word on a model, which counts more than anyone else's. */
export interface ModelMetadata extends ModelCapabilities {
  name?: string;
  description?: string;
  /** List it also where the provider does not. */
  addIfMissing?: boolean;
}

/** Metadata for the models whose id fits; `addIfMissing` needs an id and no pattern. */
export interface ModelMetadataRule extends ModelMetadata {
  match: string | RegExp;
}

/** models.dev, which knows windows and abilities that providers do not tell. */
export interface ModelsDevConfig {
  /** True where absent. */
  enabled?: boolean;
  url?: string;
  /** How long a first copy is waited for; 1000 where absent. */
  timeoutMs?: number;
  /** A day where absent. */
  cacheTtl?: number;
  /** What your provider calls the providers of models.dev: `{ cx: "openai" }`. */
  providerAliases?: Record<string, string>;
}

/** A provider, and how to ask it. */
export interface ProviderConfig {
  /** With or without `/v1`. */
  baseUrl: string;
  apiKey: string;
  apiMode?: ApiMode;
  /** Its id in models.dev and among orouter's presets; worked out from the address, and else `omniroute`. */
  provider?: string;
  /** What to give back while the provider cannot be asked and nothing is cached. */
  defaultModels?: ProviderModel[];
  /** How long a list counts as fresh, in milliseconds; five minutes where absent. */
  modelCacheTtl?: number;
  /** Ask every time; the cache is then only for when there is no answer. */
  refreshOnList?: boolean;
  modelsDev?: ModelsDevConfig;
  /** By model id, or a list of rules of which later ones win. */
  modelMetadata?: Record<string, ModelMetadata> | ModelMetadataRule[];
  /** Told what went wrong without being fatal; `console.warn` where absent. */
  onWarning?: (message: string) => void;
}
