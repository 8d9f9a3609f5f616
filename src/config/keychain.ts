/** Where secrets may lie outside any file. */
export interface Keychain {
  get(name: string): Promise<string | undefined>;
  set(name: string, secret: string): Promise<void>;
  remove(name: string): Promise<void>;
}

const SERVICE = "orouter";

/** A locked keychain asks its owner first; nobody at the screen must not mean waiting for ever. */
const ASK_MS = 60_000;

/** The system's own: Keychain, libsecret or the Windows credential store. */
export const systemKeychain: Keychain = {
  get: async (name) => (await inTime(Bun.secrets.get({ service: SERVICE, name }))) ?? undefined,
  set: async (name, secret) => {
    await inTime(Bun.secrets.set({ service: SERVICE, name, value: secret }));
  },
  remove: async (name) => {
    await inTime(Bun.secrets.delete({ service: SERVICE, name }));
  },
};

/** The name under which a key lies in the keychain. */
export function keychainName(key: { provider: string; name: string }): string {
  return `${key.provider}/${key.name}`;
}

/** Whether this system has a keychain at all; a locked one is one. */
export async function hasKeychain(): Promise<boolean> {
  try {
    await inTime(Bun.secrets.get({ service: SERVICE, name: "orouter" }));
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === MISSING);
  }
}

/** What Bun says where there is no libsecret, and where nothing answers behind it. */
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
