import type { Catalog } from "../core/catalog/catalog.ts";
import type { Key } from "../core/key.ts";
import { formatModelRef } from "../core/model-ref.ts";
import { windowOf } from "../core/overlay/window.ts";
import { namedModels } from "../core/routing/targets.ts";
import type { Provider } from "../core/settings/provider.ts";
import type { Settings } from "../core/settings/settings.ts";
import { allProviders } from "../core/settings/settings.ts";
import { Router } from "../proxy/router.ts";
import { type ProxyServer, startProxy } from "../proxy/server.ts";
import { keepLoopbackDirect } from "./keep-loopback-direct.ts";

export interface RoutingOptions {
  settings: Settings;
  keys: readonly Key[];
  host?: string | undefined;
  port?: number | undefined;
  /** What is known of the models; absent where nothing need be. */
  catalog?: Catalog | undefined;
  onBug: (error: unknown) => void;
}

/** A proxy that serves, with what is behind it. */
export interface Routing {
  router: Router;
  proxy: ProxyServer;
  token: string;
  /** The providers with at least one key that may be used. */
  usable: Provider[];
}

const TOKEN_BYTES = 32;

/** Puts keys, settings and the proxy together. It serves from the moment this returns. */
export function startRouting(options: RoutingOptions): Routing {
  const { settings, keys } = options;
  keepLoopbackDirect(process.env);
  const providers = new Map(allProviders(settings).map((provider) => [provider.id, provider]));
  const withKey = new Set(keys.filter((key) => key.enabled).map((key) => key.provider));
  const usable = [...providers.values()].filter((provider) => withKey.has(provider.id));
  const router = new Router({
    providers,
    keys,
    knownModels: namedModels(settings),
    policy: settings.routing,
    chance: { nowMs: Date.now, random: Math.random },
  });
  const token = Buffer.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))).toString("base64url");
  const proxy = startProxy({
    router,
    settings,
    token,
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
    listModels: () => modelsToList(usable, settings, options.catalog),
    windowOf: (model) => windowOf(model, settings, options.catalog),
    onBug: options.onBug,
  });
  return { router, proxy, token, usable };
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
