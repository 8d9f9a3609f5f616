import type { Catalog } from "../core/catalog/catalog.ts";
import type { ProfileName } from "../core/client/client-profile.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef } from "../core/model-ref.ts";
import { windowOf } from "../core/overlay/window.ts";
import { namedModels } from "../core/routing/targets.ts";
import type { Provider } from "../core/settings/provider.ts";
import { allProviders, type Settings } from "../core/settings/settings.ts";
import { newToken } from "../proxy/access.ts";
import type { PriceOf } from "../proxy/budgets.ts";
import type { ControlHooks } from "../proxy/control.ts";
import type { Env } from "../proxy/env.ts";
import { Router, type RouterOptions } from "../proxy/router.ts";
import { type ProxyServer, startProxy } from "../proxy/server.ts";
import type { SnapshotInput } from "../proxy/snapshot.ts";
import type { Transport } from "../proxy/transport.ts";
import { keepLoopbackDirect, providersWithKey } from "./catalog.ts";

export interface RouterParts {
  settings: Settings;
  keys: readonly Key[];
  /** Clock, random numbers and timers; each defaults to the process's own. */
  env?: Partial<Env> | undefined;
  /** How requests reach providers; by default over the network. */
  transport?: Transport | undefined;
  /** What models cost; absent: nothing is known of that. */
  priceOf?: PriceOf | undefined;
}

export interface RoutingOptions extends RouterParts {
  /** A token that stays the same over restarts; absent: a new one. */
  token?: string | undefined;
  /** The name of the client that has a token of its own. */
  clientOf?: ((token: string) => string | undefined) | undefined;
  /** Makes what `/metrics` shows; absent: there is no such page. */
  metricsOf?: ((router: Router) => () => Promise<Response>) | undefined;
  host?: string | undefined;
  port?: number | undefined;
  /** The client of the proxy; if absent, each request's user-agent decides. */
  profile?: ProfileName | undefined;
  /** Absent if nothing needs to know the models. */
  catalog?: Catalog | undefined;
  /** Lets `chain test` observe the router. */
  makeRouter?: (options: RouterOptions) => Router;
  /** What `/_orouter` can do beyond the router itself. */
  control?: ControlHooks | undefined;
  onBug: (error: unknown) => void;
}

export interface Routing {
  router: Router;
  proxy: ProxyServer;
  token: string;
  /** The providers with at least one enabled key, at the start. */
  usable: Provider[];
  follow: (files: Pick<RoutingOptions, "settings" | "keys">) => void;
  know: (catalog: Catalog) => void;
}

/** The proxy accepts connections when this returns. */
export function startRouting(options: RoutingOptions): Routing {
  keepLoopbackDirect(process.env);
  let { settings, keys, catalog } = options;
  const priceOf: PriceOf = (model) => catalog?.find(model)?.cost;
  const router = createRouter({ ...options, priceOf }, options.makeRouter);
  const token = options.token ?? newToken();
  router.keepSecret(token);
  const proxy = startProxy({
    router,
    get settings() {
      return settings;
    },
    token,
    clientOf: options.clientOf,
    metrics: options.metricsOf?.(router),
    profile: options.profile,
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
    listModels: () => modelsToList(providersWithKey({ settings, keys }), settings, catalog),
    windowOf: (model) => windowOf(model, settings, catalog),
    control: options.control,
    onBug: options.onBug,
  });
  return {
    router,
    proxy,
    token,
    usable: providersWithKey(options),
    follow: (files) => {
      ({ settings, keys } = files);
      router.follow(snapshotInput(settings, keys));
    },
    know: (newer) => {
      catalog = newer;
    },
  };
}

/** The one place where a router is put together, for every command. */
export function createRouter(
  { settings, keys, env, transport, priceOf }: RouterParts,
  make = (options: RouterOptions) => new Router(options),
): Router {
  return make({
    ...snapshotInput(settings, keys),
    env: { now: Date.now, random: Math.random, ...env },
    ...(transport === undefined ? {} : { transport }),
    ...(priceOf === undefined ? {} : { priceOf }),
  });
}

function snapshotInput(settings: Settings, keys: readonly Key[]): SnapshotInput {
  return {
    providers: new Map(allProviders(settings).map((provider) => [provider.id, provider])),
    keys,
    knownModels: namedModels(settings),
    policy: settings.routing,
    quota: settings.quota,
  };
}

function modelsToList(
  usable: readonly Provider[],
  settings: Settings,
  catalog: Catalog | undefined,
): string[] {
  const chains = Object.keys(settings.chains).map((name) => `orouter/${name}`);
  const listed = usable.flatMap(({ id, models }) => {
    const known = catalog?.modelsOf(id).map((entry) => entry.id) ?? [];
    return [...models, ...known].map((model) => `${id}/${model}`);
  });
  return [...new Set([...chains, ...listed, ...namedModels(settings).map(formatModelRef)])];
}
