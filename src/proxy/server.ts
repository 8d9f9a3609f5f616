import type { ClientProfile, ProfileName } from "../core/client/client-profile.ts";
import { profileByUserAgent, profileFor } from "../core/client/profiles.ts";
import { Problem } from "../core/problem.ts";
import type { Settings } from "../core/settings/settings.ts";
import { createAccess } from "./access.ts";
import { createAddressBook } from "./address-book.ts";
import { type ControlPowers, createControl } from "./control.ts";
import { isHeadTooLong, withoutToken, withoutTokenIn } from "./headers.ts";
import { readRequest } from "./read-request.ts";
import { RequestRoom } from "./request-room.ts";
import { bugReply, clientGone, finalReply, respond } from "./respond.ts";
import type { Router } from "./router.ts";

export interface ProxyOptions {
  router: Router;
  /** Read anew for each request: they may change while the proxy runs. */
  readonly settings: Settings;
  token: string;
  /** The client that the token is for; absent: each request's user-agent tells. */
  profile?: ProfileName | undefined;
  host?: string;
  port?: number;
  /** The models listed under `/v1/models` and `/orouter/v1/models`. */
  listModels: () => readonly string[];
  windowOf: (model: string) => number | undefined;
  /** What may be done under `/_orouter` beyond the router itself. */
  control?: ControlPowers | undefined;
  /** Told of a bug in us; the client only hears that there was one. */
  onBug: (error: unknown) => void;
}

export interface ProxyServer {
  /** Without a slash at its end. */
  url: string;
  stop: () => Promise<void>;
}

const LOOPBACK = "127.0.0.1";

/** Starts the proxy. It serves from the moment this returns. */
export function startProxy(options: ProxyOptions): ProxyServer {
  const hostname = options.host ?? LOOPBACK;
  const access = createAccess({ token: options.token, hosts: hostname === LOOPBACK ? [] : [hostname] });
  const room = new RequestRoom();
  const handle = createHandler(options, room);
  let server: Bun.Server<undefined>;
  try {
    server = Bun.serve({
      hostname,
      port: options.port ?? 0,
      // Models think for minutes without a byte; the limits that count are the first-token and stall times.
      idleTimeout: 0,
      development: false,
      // Without development mode Bun would share a taken port with its owner instead of saying so.
      reusePort: false,
      // On Bun's own 413 an agent may compact and ask again for ever; too long a body is ours to refuse.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (req) => {
        const refusal = access(req.headers);
        if (refusal !== undefined)
          return Response.json({ error: { message: refusal.message } }, { status: refusal.status });
        if (isHeadTooLong(req.headers, options.settings.limits.headerBytes))
          return unroutable(profileOf(options, req), 431, "The head of the request is too large.");
        return room.isNarrow ? handle(req).then(closing) : handle(req);
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
  return { url: `http://${authority}:${server.port}`, stop: () => server.stop(true) };
}

function createHandler(options: ProxyOptions, room: RequestRoom): (req: Request) => Promise<Response> {
  const { router } = options;
  const control = createControl({ router, settings: () => options.settings, ...options.control });
  const addressOf = createAddressBook();
  let open = 0;
  return async (req) => {
    const { settings } = options;
    const { route, search } = addressOf(req.url);
    if (route.kind === "control") return control(req, route.path);
    const profile = profileOf(options, req);
    if (route.kind === "unknown")
      return unroutable(profile, 404, "orouter serves /<provider>/v1/… and /v1/…");
    const { provider, rest } = route;
    if (rest === "models" && req.method === "GET" && (provider === undefined || provider === "orouter")) {
      return modelList(options.listModels());
    }
    if (open >= Math.min(settings.limits.openRequests, room.requests))
      return finalReply(profile, { why: "too-many-open", message: tooManyOpen(open) });
    open++;
    const onClose = (): void => {
      open--;
    };
    const request = await readRequest(req, {
      provider,
      rest,
      search: withoutTokenIn(search, options.token),
      headers: withoutToken(req.headers, options.token),
      router,
      settings,
      profile,
    });
    if (!("targets" in request)) {
      onClose();
      return "isGone" in request ? clientGone() : unroutable(profile, request.status, request.message);
    }
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
}

function profileOf({ profile }: ProxyOptions, req: Request): ClientProfile {
  return profile === undefined ? profileByUserAgent(req.headers.get("user-agent")) : profileFor(profile);
}

/** The client is to make a new connection for its next request. */
function closing(response: Response): Response {
  response.headers.set("connection", "close");
  return response;
}

function tooManyOpen(open: number): string {
  return `[orouter] ${open} requests are open at once, and that is all that open_requests under [limits] in config.toml or the system's limit on open files (ulimit -n) allows.`;
}

function modelList(models: readonly string[]): Response {
  const data = models.map((id) => ({ id, object: "model", created: 0, owned_by: "orouter" }));
  return Response.json({ object: "list", data });
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
