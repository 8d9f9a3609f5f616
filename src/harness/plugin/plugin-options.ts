/** What a run tells its plugins. The token itself stays in its file: options can end up in an environment. */
export interface PluginOptions {
  /** The proxy, without a slash at its end. */
  url: string;
  tokenFile: string;
}

export interface TuiOptions extends PluginOptions {
  toasts: boolean;
  /** What is pressed before the letter of a command; "none" for no keys at all. */
  keyPrefix: string;
}

export interface ServerOptions extends PluginOptions {
  shellKeys: boolean;
  tools: boolean;
  /** What opencode was given for npm alone: its shell commands must not have it. */
  npmVariables: readonly string[];
}
