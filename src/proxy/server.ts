import { readFileSync } from "node:fs";
import type { ClientProfile, ProfileName } from "../core/client/client-profile.ts";
import { profileByUserAgent, profileFor } from "../core/client/profiles.ts";
import { countingAt, dialectAt } from "../core/dialect/registry.ts";
import { CHAIN_PROVIDER } from "../core/model-ref.ts";
import { Problem } from "../core/problem.ts";
import { endpointAt } from "../core/routing/endpoints.ts";
import { parseRoute, type Route } from "../core/routing/targets.ts";
import type { Settings } from "../core/settings/settings.ts";
import { type Caller, createAccess } from "./access.ts";
import { type ControlHooks, createControl } from "./control.ts";
import { countTokens } from "./count-tokens.ts";
import type { Unroutable } from "./destination.ts";
import { readRequest, refuseForm } from "./read-request.ts";
import { bugReply, clientGone, finalReply, respond } from "./respond.ts";
import type { Router } from "./router.ts";
import { isHeadTooLong, withoutToken, withoutTokenIn } from "./transport.ts";

type ApiRoute = Extract<Route, { kind: "api" }>;

export interface Address {
  route: Route;
  /** The query with its question mark, or an empty text. */
  search: string;
}

/** A client requests few different URLs. */
const MAX_ADDRESSES = 200;

export function createAddressBook(): (url: string) => Address {
  const known = new Map<string, Address>();
  return (url) => {
    const before = known.get(url);
    if (before !== undefined) return before;
    const { pathname, search } = new URL(url);
    const address = { route: parseRoute(pathname), search };
    if (known.size >= MAX_ADDRESSES) known.clear();
    known.set(url, address);
    return address;
  };
}

/** The process's own open files: the terminal, state.db, the watched files. */
const OWN_DESCRIPTORS = 32;

/** Each request has a connection to its client and one to a provider. */
const PER_REQUEST = 2;

/** With this little room, idle connections of clients would soon exclude everyone else. */
const NARROW = 100;

/** How many parallel requests the system's limit on open files allows; looked up once, when needed. */
export class RequestRoom {
  #requests: number | undefined;

  get requests(): number {
    this.#requests ??= roomWithin(openFilesLimit());
    return this.#requests;
  }

  /** Whether connections should close after their request. */
  get isNarrow(): boolean {
    return this.requests < NARROW;
  }
}

function roomWithin(openFiles: number): number {
  return Math.max(1, Math.floor((openFiles - OWN_DESCRIPTORS) / PER_REQUEST));
}

/** Bun has raised it as far as allowed. Only Linux reports it; elsewhere it is far above what is used. */
function openFilesLimit(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

export interface ProxyOptions {
  router: Router;
  /** Read for each request: they may change while the proxy runs. */
  readonly settings: Settings;
  token: string;
  /** The name of the client that has a token of its own. */
  clientOf?: ((token: string) => string | undefined) | undefined;
  /** What `/metrics` shows; absent: there is no such page. */
  metrics?: (() => Promise<Response>) | undefined;
  /** The client that the token is for; if absent, each request's user-agent decides. */
  profile?: ProfileName | undefined;
  host?: string;
  port?: number;
  /** The models listed under `/v1/models` and `/orouter/v1/models`. */
  listModels: () => readonly string[];
  windowOf: (model: string) => number | undefined;
  /** What `/_orouter` can do beyond the router itself. */
  control?: ControlHooks | undefined;
  /** Called for a bug of ours; the client only gets a general message. */
  onBug: (error: unknown) => void;
}

export interface ProxyServer {
  /** Without a final slash. */
  url: string;
  /** Requests under way. */
  readonly open: number;
  /** Refuses new requests; those under way go on. */
  drain: () => void;
  stop: () => Promise<void>;
}

/** A connection without a request that has our token is closed after this time: others may not use up our sockets. */
const STRANGER_SECONDS = 10;

const LOOPBACK = "127.0.0.1";

/** The proxy accepts connections when this returns. */
export function startProxy(options: ProxyOptions): ProxyServer {
  const hostname = options.host ?? LOOPBACK;
  const access = createAccess({
    token: options.token,
    clientOf: options.clientOf,
    hosts: hostname === LOOPBACK ? [] : [hostname],
  });
  const room = new RequestRoom();
  const { handle, gate } = createHandler(options, room);
  let server: Bun.Server<undefined>;
  try {
    server = Bun.serve({
      hostname,
      port: options.port ?? 0,
      idleTimeout: STRANGER_SECONDS,
      development: false,
      // Without development mode Bun would share a used port with its owner instead of failing.
      reusePort: false,
      // On Bun's own 413 an agent may compact and retry endlessly, so long bodies are rejected by us.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (req, own) => {
        const caller = access(req.headers);
        if ("status" in caller)
          return closing(Response.json({ error: { message: caller.message } }, { status: caller.status }));
        // Models think for minutes without a byte; the first-token and stall timeouts apply instead.
        own.timeout(req, 0);
        if (isHeadTooLong(req.headers, options.settings.limits.headerBytes))
          return unroutable(profileOf(options, req), 431, "The head of the request is too large.");
        return room.isNarrow ? handle(req, caller).then(closing) : handle(req, caller);
      },
      error: (error) => {
        options.onBug(error);
        return bugReply(profileFor(options.profile ?? "neutral"));
      },
    });
  } catch (cause) {
    throw portProblem(cause, hostname, options.port);
  }
  const authority = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `http://${authority}:${server.port}`,
    get open() {
      return gate.open;
    },
    drain: () => {
      gate.isDraining = true;
    },
    stop: () => server.stop(true),
  };
}

/** How many requests are under way, and whether more may begin. */
interface Gate {
  open: number;
  isDraining: boolean;
}

type Handle = (req: Request, caller: Caller) => Promise<Response>;

function createHandler(options: ProxyOptions, room: RequestRoom): { handle: Handle; gate: Gate } {
  const { router } = options;
  const control = createControl({ router, settings: () => options.settings, ...options.control });
  const addressOf = createAddressBook();
  const gate: Gate = { open: 0, isDraining: false };
  const serve = async (
    req: Request,
    { provider, rest }: ApiRoute,
    search: string,
    caller: Caller,
  ): Promise<Response> => {
    const { settings } = options;
    const profile = profileOf(options, req);
    const listed = ownModels(req, { provider, rest }, options);
    if (listed !== undefined) return listed;
    const full = fullText(gate, Math.min(settings.limits.openRequests, room.requests));
    if (full !== undefined) return finalReply(profile, { why: "too-many-open", message: full });
    gate.open++;
    const onClose = (): void => {
      gate.open--;
    };
    const request = await readRequest(req, {
      provider,
      rest,
      client: caller.client,
      search: withoutTokenIn(search, caller.token),
      headers: withoutToken(req.headers, caller.token),
      snapshot: router.snapshot,
      sessions: router.sessions,
      ties: router.ties,
      nowMs: router.env.now(),
      settings,
      profile,
    });
    if (!("targets" in request)) {
      onClose();
      return "isGone" in request ? clientGone() : refusedResponse(profile, request, rest);
    }
    const counting = countingAt(rest);
    if (counting !== undefined && request.method === "POST")
      return countTokens(request, counting, router).finally(onClose);
    return respond(request, {
      router,
      rules: settings.rules,
      errorBodyBytes: settings.limits.errorBodyBytes,
      answerBytes: settings.limits.answerBytes,
      windowOf: options.windowOf,
      onClose,
      onBug: options.onBug,
    });
  };
  const handle: Handle = async (req, caller) => {
    const refused = refuseForm(req);
    if (refused !== undefined) return refused;
    const { route, search } = addressOf(req.url);
    if (route.kind === "control")
      return caller.client === undefined ? control(req, route.path) : notForClients();
    if (options.metrics !== undefined && isMetrics(req)) return options.metrics();
    // A token in the path would be sent to the provider.
    if (route.kind === "api" && !route.rest.includes(caller.token)) return serve(req, route, search, caller);
    return unroutable(profileOf(options, req), 404, "orouter serves /<provider>/v1/… and /v1/…");
  };
  return { handle, gate };
}

/** The models under `/v1` and `/orouter/v1`; undefined for all other questions. */
function ownModels(
  { method }: Request,
  { provider, rest }: Pick<ApiRoute, "provider" | "rest">,
  { listModels }: ProxyOptions,
): Response | undefined {
  const isRead = method === "GET" || method === "HEAD";
  const isOwn = provider === undefined || provider === CHAIN_PROVIDER;
  return isRead && isOwn ? modelReply(rest, listModels) : undefined;
}

function profileOf({ profile }: ProxyOptions, req: Request): ClientProfile {
  return profile === undefined ? profileByUserAgent(req.headers.get("user-agent")) : profileFor(profile);
}

/** The connection ends with this response. */
function closing(response: Response): Response {
  response.headers.set("connection", "close");
  return response;
}

const STOPPING = "[orouter] The server is being stopped. Try again in a moment.";

function isMetrics(req: Request): boolean {
  return req.method === "GET" && new URL(req.url).pathname === "/metrics";
}

function notForClients(): Response {
  return Response.json({ error: { message: "Only the owner's token may do this." } }, { status: 403 });
}

/** Why no request may begin now. */
function fullText({ open, isDraining }: Gate, most: number): string | undefined {
  if (isDraining) return STOPPING;
  if (open < most) return undefined;
  return `[orouter] ${open} requests are open at once, and that is all that open_requests under [limits] in config.toml or the system's limit on open files (ulimit -n) allows.`;
}

function refusedResponse(profile: ClientProfile, refused: Unroutable, rest: string): Response {
  const { status, message, body } = refused;
  if (body !== undefined) return Response.json(body, { status });
  const dialect = dialectAt(rest) ?? countingAt(rest)?.dialect;
  return finalReply(profile, { why: "not-routable", message, status }, dialect);
}

/** The list of models, or one of them as it stands there; undefined for what is to be asked of a provider. */
function modelReply(path: string, listModels: () => readonly string[]): Response | undefined {
  if (path === "models") return modelList(listModels());
  const endpoint = endpointAt("GET", path);
  if (endpoint?.kind !== "one-model") return undefined;
  const names = [endpoint.id, `${CHAIN_PROVIDER}/${endpoint.id}`];
  const found = listModels().find((id) => names.includes(id));
  return found === undefined ? undefined : Response.json(modelObject(found));
}

/** In the form of OpenAI and of Anthropic at once: clients ignore the fields of the other one. */
function modelList(models: readonly string[]): Response {
  const [first = null] = models;
  const ends = { first_id: first, last_id: models.at(-1) ?? null, has_more: false };
  return Response.json({ object: "list", data: models.map(modelObject), ...ends });
}

function modelObject(id: string): object {
  const created = { created: 0, created_at: "1970-01-01T00:00:00Z" };
  return { id, object: "model", ...created, owned_by: "orouter", type: "model", display_name: id };
}

function unroutable(profile: ClientProfile, status: number, message: string): Response {
  return finalReply(profile, { why: "not-routable", message, status });
}

function portProblem(cause: unknown, hostname: string, port: number | undefined): Problem {
  const { code, message } = cause as { code?: string; message: string };
  if (code === "EADDRINUSE") {
    return new Problem({
      code: "port-taken",
      what: `Port ${port} of ${hostname} is taken by another program.`,
      fix: "Choose another with --port, or leave it out to get a free one.",
    });
  }
  return new Problem({
    code: "cannot-listen",
    what: `The proxy cannot listen on ${hostname}${port === undefined ? "" : `:${port}`}: ${message}`,
    fix: "Check --host and --port; 127.0.0.1 without a port always works.",
  });
}
