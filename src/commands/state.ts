import { existsSync } from "node:fs";
import { hostname } from "node:os";
import type { Paths } from "../config/paths.ts";
import { type Cooldown, notFromLater } from "../core/routing/cooldown.ts";
import type { Settings, StoreSettings } from "../core/settings/settings.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Router } from "../proxy/router.ts";
import type { OnTrouble, Store, StoreOptions } from "../store/store.ts";
import type { CommandContext } from "./context.ts";
import { watchQuota } from "./quota/watch-quota.ts";

/** The store, which processes share, and the ledger of this machine. */
export interface State {
  store: Store;
  ledger: Ledger;
  close: () => Promise<void>;
}

export interface StateOptions {
  file: string;
  ledgerDays: number;
  ledgerRows: number;
  /** False: nothing of a request is kept. */
  keepsRequests?: boolean;
  /** False: no words of a provider are kept. */
  keepsHeads?: boolean;
  /** The server that several machines share; this machine alone unless it has a `url`. */
  store?: StoreSettings | undefined;
  /** Every secret of this run; none is ever written. Read again at each write. */
  readonly secrets: readonly string[];
  onTrouble: OnTrouble;
  nowMs?: () => number;
}

/**
 * Falls back to memory if the file cannot be used. Loads SQLite only now, so that it does not delay the agent's start.
 */
export async function openState(options: StateOptions): Promise<State> {
  const [{ StateFile }, { SqliteStore }, { Ledger }] = await Promise.all([
    import("../sqlite/state-file.ts"),
    import("../store/sqlite/sqlite-store.ts"),
    import("../ledger/ledger.ts"),
  ]);
  const { ledgerDays: days, ledgerRows: rows, onTrouble, nowMs = Date.now } = options;
  const { keepsRequests = true, keepsHeads = true } = options;
  const parts = {
    keep: { days, rows },
    keepsRequests,
    keepsHeads,
    nowMs,
    get secrets() {
      return options.secrets;
    },
  };
  const file = new StateFile({ file: options.file, nowMs, onTrouble });
  // Open the file now, so that trouble is reported before anything depends on it.
  file.read(() => undefined);
  const store = await sharedStore(new SqliteStore(file, parts), parts, options);
  const ledger = new Ledger(file, parts);
  return {
    store,
    ledger,
    close: async () => {
      await store.close();
      ledger.close();
      file.close();
    },
  };
}

/** The store that machines share, in front of the one of this machine, if one is configured. */
async function sharedStore(
  local: Store,
  parts: StoreOptions,
  { store, onTrouble }: Pick<StateOptions, "store" | "onTrouble">,
): Promise<Store> {
  if (store?.url === undefined) return local;
  const { ValkeyStore } = await import("../store/valkey/valkey-store.ts");
  const { url, prefix } = store;
  const password = await storePassword(store);
  let withPassword: readonly string[] = [];
  const options = {
    url,
    prefix,
    password,
    onTrouble,
    nowMs: parts.nowMs,
    keepsHeads: parts.keepsHeads,
    get secrets() {
      if (password === undefined) return parts.secrets;
      // The same list while it is the same: what is looked for is worked out once for each list.
      if (withPassword.length !== parts.secrets.length + 1) withPassword = [...parts.secrets, password];
      return withPassword;
    },
  };
  return new ValkeyStore(local, options).open();
}

/** The name under which the keychain has the store's password. */
const KEYCHAIN_NAME = "store";

async function storePassword({ keychain }: StoreSettings): Promise<string | undefined> {
  if (!keychain) return process.env["OROUTER_STORE_PASSWORD"] || undefined;
  const { systemKeychain } = await import("../config/keychain.ts");
  return systemKeychain.get(KEYCHAIN_NAME).catch(() => undefined);
}

type StateContext = Pick<CommandContext, "paths" | "settings" | "keys">;

/** What is kept of requests, as the settings say. */
function recordsKept({ state }: Settings) {
  const { ledger: keepsRequests, heads: keepsHeads, ledgerDays, ledgerRows } = state;
  return { keepsRequests, keepsHeads, ledgerDays, ledgerRows };
}

/** Creates the file if there is none. */
export function openOwnState({ paths, settings, keys }: StateContext, onTrouble: OnTrouble): Promise<State> {
  const secrets = keys.map((key) => key.secret);
  return openState({
    file: paths.stateDb,
    store: settings.store,
    ...recordsKept(settings),
    secrets,
    onTrouble,
  });
}

/** Creates no file: for commands that only read. */
export async function openExistingState(
  context: StateContext,
  onTrouble: OnTrouble,
): Promise<State | undefined> {
  const hasState = existsSync(context.paths.stateDb) || context.settings.store.url !== undefined;
  return hasState ? await openOwnState(context, onTrouble) : undefined;
}

/** Without `onTrouble`, trouble with the file is left to `doctor`. */
export async function readCooldowns(
  context: StateContext,
  onTrouble: OnTrouble = () => {},
): Promise<Cooldown[]> {
  const state = await openExistingState(context, onTrouble);
  const cooldowns = (await state?.store.cooldowns.all()) ?? [];
  await state?.close();
  return cooldowns;
}

export interface KeepStateOptions {
  paths: Pick<Paths, "stateDb">;
  settings: Settings;
  router: Router;
  /** The command, for `status` on other machines; absent: they do not hear of the run. */
  what?: string;
  onOpen?: (state: State) => void;
  /** Called once for each kind of trouble; requests continue without the disk. */
  onTrouble: OnTrouble;
}

/**
 * Connects the router to the shared state. Called after the agent was started: its first request takes a second or
 * more, and by then the cooldowns of other runs are known. Returns a function that disconnects.
 */
export async function keepState(options: KeepStateOptions): Promise<() => Promise<void>> {
  const { settings, router, onTrouble } = options;
  const state = await openState({
    file: options.paths.stateDb,
    store: settings.store,
    ...recordsKept(settings),
    secrets: router.secrets,
    onTrouble,
  });
  const detach = await attachState(router, state);
  const withdraw = options.what === undefined ? undefined : announce(options.what, router, state.store);
  options.onOpen?.(state);
  const stopQuota = watchQuota(router, { ...state, priceOf: (model) => router.priceOf(model) });
  return async () => {
    stopQuota();
    withdraw?.();
    detach();
    await state.close();
  };
}

const ANNOUNCE_EVERY_MS = 3_000;

/** Tells other machines of this run until the returned function is called. */
function announce(what: string, router: Router, { runs }: Store): () => void {
  const id = crypto.randomUUID();
  const sinceMs = router.env.now();
  const tell = (): void => {
    const inFlight = router.snapshot.keys.reduce((sum, key) => sum + router.inFlight(key), 0);
    runs.announce({ id, machine: hostname(), what, sinceMs, inFlight, waiting: router.queue.length });
  };
  tell();
  const timer = setInterval(tell, ANNOUNCE_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    runs.withdraw(id);
  };
}

/**
 * Makes router and state exchange changes, including earlier ones. Returns a function that stops this; the state stays
 * open.
 */
export async function attachState(
  router: Router,
  { store, ledger }: Pick<State, "store" | "ledger">,
): Promise<() => void> {
  const { cooldowns } = store;
  const unsubscribe = router.subscribe((event) => {
    if (event.kind === "cooldown-started") cooldowns.set(event.cooldown);
    else if (event.kind === "cleared") cooldowns.clear(event.id);
    else if (event.kind === "finished") ledger.add(event.record);
    else if (event.kind === "quota-read") store.quotas.set(event.record);
  });
  // Requests may have been served before the state was open, so the later change wins on both sides.
  const stored = await cooldowns.all();
  const nowMs = router.env.now();
  const corrected = stored.map((cooldown) => notFromLater(cooldown, nowMs));
  for (const [i, cooldown] of corrected.entries()) {
    // Otherwise every start would begin the cooldown again while the clock is behind.
    if (cooldown !== stored[i]) cooldowns.set(cooldown);
  }
  const sinceMs = new Map(corrected.map((cooldown) => [cooldown.id, cooldown.sinceMs]));
  for (const known of router.cooldowns.values()) {
    if (known.sinceMs > (sinceMs.get(known.id) ?? -1)) cooldowns.set(known);
  }
  router.learn(
    corrected.filter((one) => one.sinceMs > (router.cooldowns.get(one.id)?.sinceMs ?? -1)),
    [],
  );
  router.quotas.learn(await store.quotas.all());
  router.shareLimits(store.limits);
  const unwatch = store.watch((news) => router.learn(news.set, news.cleared));
  return () => {
    unsubscribe();
    unwatch();
    router.shareLimits(undefined);
  };
}
