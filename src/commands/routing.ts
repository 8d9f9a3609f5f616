import type { Catalog } from "../core/catalog/catalog.ts";
import type { ProfileName } from "../core/client/client-profile.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef } from "../core/model-ref.ts";
import { windowOf } from "../core/overlay/window.ts";
import { namedModels } from "../core/routing/targets.ts";
import type { Provider } from "../core/settings/provider.ts";
import { allProviders, type Settings } from "../core/settings/settings.ts";
import type { ControlHooks } from "../proxy/control.ts";
import { Router, type RouterOptions } from "../proxy/router.ts";
import { type ProxyServer, startProxy } from "../proxy/server.ts";
import { keepLoopbackDirect, providersWithKey } from "./catalog.ts";

export interface RoutingOptions {
  settings: Settings;
  keys: readonly Key[];
  host?: string | undefined;
  port?: number | undefined;
  /** The client of the proxy; absent: decided by each request's user-agent. */
  profile?: ProfileName | undefined;
  /** What is known of the models; absent where nothing need be. */
  catalog?: Catalog | undefined;
  /** Makes the router; `chain test` observes its own. */
  makeRouter?: (options: RouterOptions) => Router;
  /** What may be done under `/_orouter` beyond the router itself. */
  control?: ControlHooks | undefined;
  onBug: (error: unknown) => void;
}

/** A proxy that serves, with what is behind it. */
export interface Routing {
  router: Router;
  proxy: ProxyServer;
  token: string;
  /** The providers with at least one key that may be used, as it starts. */
  usable: Provider[];
  /** Goes by other files from the next request on. */
  follow: (files: Pick<RoutingOptions, "settings" | "keys">) => void;
  /** Goes by another catalogue. */
  know: (catalog: Catalog) => void;
}

const TOKEN_BYTES = 32;

/** Puts keys, settings and the proxy together. It serves from the moment this returns. */
export function startRouting(options: RoutingOptions): Routing {
  const { makeRouter = (parts) => new Router(parts) } = options;
  keepLoopbackDirect(process.env);
  let { settings, keys, catalog } = options;
  const router = makeRouter({
    ...snapshotInput(settings, keys),
    env: { now: Date.now, random: Math.random },
  });
  const token = Buffer.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))).toString("base64url");
  const proxy = startProxy({
    router,
    get settings() {
      return settings;
    },
    token,
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

function snapshotInput(settings: Settings, keys: readonly Key[]): Omit<RouterOptions, "env"> {
  return {
    providers: new Map(allProviders(settings).map((provider) => [provider.id, provider])),
    keys,
    knownModels: namedModels(settings),
    policy: settings.routing,
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
