import type { Key } from "../core/key.ts";
import type { ModelRef } from "../core/model-ref.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { QuotaSettings, RoutingSettings } from "../core/settings/settings.ts";

/** What the user's files say about routing. */
export interface SnapshotInput {
  providers: ReadonlyMap<string, Provider>;
  keys: readonly Key[];
  /** Models named in chains and fallbacks, to name in a report what else could be used. */
  knownModels: readonly ModelRef[];
  policy: RoutingSettings;
  quota: QuotaSettings;
}

/** The settings and keys of one moment. A request keeps the snapshot it began with, whatever the files say later. */
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

/** Keys that were switched by hand in this process: that holds until their file says something else of them. */
export class HandSwitched {
  readonly #switches = new Map<string, { fileSaid: boolean; enabled: boolean }>();

  note(key: Key, enabled: boolean): void {
    const id = idOf(key);
    const fileSaid = this.#switches.get(id)?.fileSaid ?? key.enabled;
    this.#switches.set(id, { fileSaid, enabled });
  }

  /** The keys as a file has them, with what was done by hand since. */
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

/** The same secret may be there for two providers. */
function idOf({ provider, fingerprint }: Key): string {
  return `${provider} ${fingerprint}`;
}
