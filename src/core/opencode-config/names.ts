/** The names of files and folders that opencode and its forks look for. */
export interface OpencodeNames {
  /** Below the XDG folders. */
  folder: string;
  /** Configuration files; the last one wins. */
  configs: readonly string[];
  /** Folders with configuration in a project. */
  dotFolders: readonly string[];
}

export const OPENCODE_NAMES: OpencodeNames = {
  folder: "opencode",
  configs: ["opencode.json", "opencode.jsonc"],
  dotFolders: [".opencode"],
};

/** Kilo reads files with opencode's names as well. */
export const KILO_NAMES: OpencodeNames = {
  folder: "kilo",
  configs: ["opencode.json", "opencode.jsonc", "kilo.json", "kilo.jsonc"],
  dotFolders: [".kilocode", ".kilo"],
};
