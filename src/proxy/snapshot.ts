import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { QuotaSettings, RoutingSettings } from "../core/settings/settings.ts";

/** The part of the user's files that routing needs. */
export interface SnapshotInput {
  providers: ReadonlyMap<string, Provider>;
  keys: readonly Key[];
  /** Models of chains and fallbacks, to name alternatives in a report. */
  knownModels: readonly ModelRef[];
  policy: RoutingSettings;
  quota: QuotaSettings;
}

/** The settings and keys at one moment. A request keeps its snapshot when files change. */
export interface RoutingSnapshot extends SnapshotInput {
  keysOf: (provider: string) => readonly Key[];
}

const NO_KEYS: readonly Key[] = [];

export function snapshotOf(options: SnapshotInput): RoutingSnapshot {
  const byProvider = Map.groupBy(options.keys, (key) => key.provider);
  return {
    ...options,
    keys: [...byProvider.values()].flat(),
    keysOf: (provider) => byProvider.get(provider) ?? NO_KEYS,
  };
}

/** Keys that were enabled or disabled by hand in this process: this lasts until their file changes. */
export class HandSwitched {
  readonly #switches = new Map<string, { fileSaid: boolean; enabled: boolean }>();

  note(key: Key, enabled: boolean): void {
    const id = idOf(key);
    const fileSaid = this.#switches.get(id)?.fileSaid ?? key.enabled;
    this.#switches.set(id, { fileSaid, enabled });
  }

  /** The keys of a file with later manual changes. */
  over(keys: readonly Key[]): Key[] {
    return keys.map((key) => {
      const done = this.#switches.get(idOf(key));
      if (done === undefined) return key;
      if (done.fileSaid === key.enabled) return { ...key, enabled: done.enabled };
      this.#switches.delete(idOf(key));
      return key;
    });
  }
}

/** Two providers may have the same secret. */
function idOf({ provider, fingerprint }: Key): string {
  return `${provider} ${fingerprint}`;
}
