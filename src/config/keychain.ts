export interface Keychain {
  get(name: string): Promise<string | undefined>;
  set(name: string, secret: string): Promise<void>;
  remove(name: string): Promise<void>;
}

const SERVICE = "orouter";

/** A locked keychain asks its owner first; without anyone at the screen the wait must still end. */
const ASK_MS = 60_000;

/** Keychain, libsecret or the Windows credential store. */
export const systemKeychain: Keychain = {
  get: async (name) => (await inTime(Bun.secrets.get({ service: SERVICE, name }))) ?? undefined,
  set: async (name, secret) => {
    await inTime(Bun.secrets.set({ service: SERVICE, name, value: secret }));
  },
  remove: async (name) => {
    await inTime(Bun.secrets.delete({ service: SERVICE, name }));
  },
};

export function keychainName(key: { provider: string; name: string }): string {
  return `${key.provider}/${key.name}`;
}

/** A locked keychain counts. */
export async function hasKeychain(): Promise<boolean> {
  try {
    await inTime(Bun.secrets.get({ service: SERVICE, name: "orouter" }));
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === MISSING);
  }
}

/** What Bun throws if libsecret is missing or no service answers it. */
const MISSING = "ERR_SECRETS_PLATFORM_ERROR";

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("the keychain did not answer")), ASK_MS);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
