import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { e2eMachine } from "../e2e/machine.ts";
import { startServe } from "../e2e/serve-process.ts";

/** Must never be written anywhere. Each place has its own mark, so that a leak shows where it came from. */
const MARKS = {
  file: "sk-planted-file-7f3a91c2d4e5",
  file2: "sk-planted-spare-11bb22cc33dd",
  /** No form tells that this is a key. */
  formless: "qwertzuiopasdfghjkly",
  env: "sk-planted-env-0a1b2c3d4e5f",
  auth: "sk-planted-auth-9988776655aa",
  clientCookie: "planted-cookie-5e4d3c2b1a00",
  clientKey: "sk-planted-xapikey-334455667788",
  config: "sk-planted-theirs-aabbccddeeff",
  login: "planted-login-24681357",
} as const;

/** Key files contain secrets on purpose; everything else is searched. */
const MAY_HOLD = ["keys.toml", "auth.json", "shell-history"];

const machine = e2eMachine();
const heard: string[] = [];
const written: string[] = [];
let upstream: ReturnType<typeof Bun.serve>;

/** The disguises of a key that a provider may repeat it in. */
const DISGUISES: ((key: string) => string)[] = [
  (key) => key,
  (key) => btoa(key),
  (key) => btoa(`Bearer ${key}`),
  (key) => btoa(`x:${key}`).replaceAll("+", "-").replaceAll("/", "_"),
  (key) => Buffer.from(key).toString("hex").toUpperCase(),
  (key) => encodeURIComponent(`${key}/`),
  (key) => key.replace("", "\u001b[8m"),
];

/** Refuses in ways that repeat the key: in the text, in a header, in JSON, inside a stream; and answers in such ways. */
function parrot(request: Request): Response {
  const secret = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
  heard.push([...request.headers].map(([name, value]) => `${name}: ${value}`).join("\n"));
  const { pathname } = new URL(request.url);
  const key = (DISGUISES[Math.floor(heard.length / 3) % DISGUISES.length] ?? btoa)(secret);
  if (pathname.endsWith("/account"))
    return new Response(`{"key":"${key}"}`, { headers: { "x-account": key } });
  if (pathname.endsWith("/models"))
    return Response.json({ data: [{ id: "m1" }, { id: "m2" }, { id: `m-${key}`, name: key }] });
  const echo = { "x-echo": key, "set-cookie": `session=${key}`, "www-authenticate": `Bearer error="${key}"` };
  const forms = [
    () =>
      Response.json(
        { error: { message: `Incorrect API key provided: ${key}.` } },
        { status: 401, headers: echo },
      ),
    () => new Response(`<html>bad key ${encodeURIComponent(key)}</html>`, { status: 403, headers: echo }),
    () =>
      Response.json(
        { error: `limit of ${key} reached, Authorization: Bearer ${key}` },
        { status: 429, headers: { ...echo, "retry-after": "3600" } },
      ),
    () =>
      new Response(`data: {"error":{"message":"key ${key} has no access","code":"invalid_api_key"}}\n\n`, {
        headers: { ...echo, "content-type": "text/event-stream" },
      }),
    () => new Response(null, { status: 302, headers: { location: `http://127.0.0.1:9/?key=${key}` } }),
    () =>
      Response.json(
        { error: { message: `internal: {"headers":{"authorization":"${key}"}}` } },
        { status: 500, headers: echo },
      ),
  ];
  const refusals = [
    () =>
      Response.json({ error: { message: `bad tool schema near ${key}` } }, { status: 400, headers: echo }),
    () =>
      new Response(`{"error":{"message":"\u001b]0;${key}\u0007bad tool schema"}}`, {
        status: 422,
        headers: echo,
      }),
    () => answerOf(key, echo),
  ];
  const session = request.headers.get("x-session-id") ?? "";
  if (session.startsWith("refused"))
    return refusals[Number(session.slice(7)) % refusals.length]?.() ?? answerOf(key, echo);
  const form = forms[heard.length % forms.length];
  return form === undefined ? new Response("") : form();
}

/** A good answer that repeats the key in an event of its own and in the text. */
function answerOf(key: string, headers: Record<string, string>): Response {
  const chunk = (more: object): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", ...more })}\n\n`;
  const body = [
    chunk({
      debug: { authorization: key },
      choices: [{ index: 0, delta: { content: `your key is ${key}` } }],
    }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    "data: [DONE]\n\n",
  ].join("");
  return new Response(body, { headers: { ...headers, "content-type": "text/event-stream" } });
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile() && !MAY_HOLD.some((name) => file.endsWith(name)));
}

/** The marks in a text, plain and in the usual encodings. */
function marksIn(text: string): string[] {
  return Object.entries(MARKS).flatMap(([place, mark]) => {
    const encoded = ["", "x", "xy"].map((before) => btoa(before + mark).slice(before.length + 1, -4));
    const forms = [mark, ...encoded, Buffer.from(mark).toString("hex"), mark.slice(0, 18)];
    const plain = text.toLowerCase().replaceAll("\u001b[8m", "").replaceAll("_", "/").replaceAll("-", "+");
    const folded = forms.map((form) => form.toLowerCase().replaceAll("_", "/").replaceAll("-", "+"));
    return folded.some((form) => plain.includes(form)) ? [place] : [];
  });
}

async function orouter(...args: string[]): Promise<number | null> {
  const { stdout, stderr, exitCode } = await machine.orouter(args, { env: SECRET_ENV });
  written.push(stdout, stderr);
  return exitCode;
}

const SECRET_ENV = {
  OLLAMA_API_KEY: MARKS.env,
  OPENCODE_CONFIG_CONTENT: JSON.stringify({ provider: { other: { options: { apiKey: MARKS.config } } } }),
};

beforeAll(() => {
  upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: parrot });
  machine.configure(
    `http://127.0.0.1:${upstream.port}/v1`,
    [
      { name: "file", secret: MARKS.file },
      { name: "spare", secret: MARKS.file2 },
      { name: "plain", secret: MARKS.formless },
    ],
    '[routing]\nmax_wait = "0s"\n[chains]\ncoding = ["ollama-cloud/m1", "ollama-cloud/m2"]\n',
  );
  machine.write(
    "home/.local/share/opencode/auth.json",
    JSON.stringify({ "ollama-cloud": { type: "api", key: MARKS.auth } }),
  );
});

afterAll(async () => {
  await upstream.stop(true);
  machine[Symbol.dispose]();
});

test("no byte that orouter writes holds a secret, whatever a provider says back", async () => {
  expect(await orouter("opencode", "run", "-m", "orouter/coding", "say hello")).not.toBe(0);
  const commands = [
    "status",
    "status --json",
    "keys list",
    "keys list --json",
    "keys test",
    "keys test --json",
    "models list",
    "models list --json",
    "config show",
    "config show --json",
    "config check",
    "doctor",
    "doctor --json",
    "logs",
    "logs --json",
    "logs --failures",
    "keys nonsense",
    `keys add ollama-cloud ${MARKS.file}`,
    `keys ${MARKS.file}`,
    `models info ${MARKS.file}`,
    "chain list --json",
    "chain test coding",
    "bench m1 --runs 1",
    "keys export",
  ];
  for (const line of commands) await orouter(...line.split(" "));
  // Otherwise the test would prove nothing: the keys were sent, and the replies were shown.
  expect(heard.join("\n")).toContain(MARKS.file);
  expect(written.join("\n")).toContain("ALL KEYS EXHAUSTED");
  expect(marksIn(written.join("\n"))).toEqual([]);
});

test("the proxy hands no secret to its client, and the client's own go nowhere", async () => {
  heard.length = 0;
  const home = join(machine.home, ".config/orouter");
  const serve = await startServe(machine, home);
  const texts: string[] = [];
  // The test before has left every key in a cooldown.
  const reset = { method: "POST", headers: { authorization: `Bearer ${serve.token}` } };
  await fetch(`${serve.url}/_orouter/reset`, reset);
  const refused = Array.from({ length: 21 }, (_, nth) => `refused${nth}`);
  const said: number[] = [];
  for (const session of [...refused, "a", "b", "c", "d", "e", "f"]) {
    const answer = await serve.ask(session);
    said.push(answer.status);
    texts.push([...answer.headers].join("\n"), await answer.text());
  }
  for (const path of [
    ...["", "", "", ""].map((_, nth) => `/ollama-cloud/v1/account?nth=${nth}`),
    "/_orouter/state",
    "/_orouter/health",
    "/ollama-cloud/v1/models",
    "/v1/models",
  ]) {
    const answer = await serve.get(path);
    texts.push([...answer.headers].join("\n"), await answer.text());
  }
  const { token } = serve;
  await fetch(`${serve.url}/ollama-cloud/v1/embeddings`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      cookie: `login=${MARKS.clientCookie}`,
      "x-api-key": MARKS.clientKey,
      "x-forwarded-for": MARKS.clientCookie,
      "proxy-authorization": `Basic ${MARKS.clientKey}`,
    },
    body: '{"model":"m1","input":"x"}',
  });
  serve.kill("SIGTERM");
  texts.push((await serve.ended()).stderr);

  expect(new Set(said)).toEqual(new Set([200, 400, 422, 429]));
  expect(texts.join("\n")).toContain("your key is [redacted]");
  expect(texts.join("\n")).toContain("bad tool schema near [redacted]");
  expect(texts.join("\n")).not.toContain("\u001b");
  expect(marksIn(texts.join("\n"))).toEqual([]);
  const sent = heard.join("\n");
  expect(heard.length).toBeGreaterThan(0);
  expect(sent).not.toContain(token);
  expect(marksIn(sent).filter((place) => place.startsWith("client"))).toEqual([]);
});

test("nothing on disk holds a secret beside the files that are made for them", () => {
  const files = [machine.home, machine.runtime, machine.project].flatMap(filesBelow);
  expect(files.some((file) => file.endsWith("state.db"))).toBe(true);
  const found = files.flatMap((file) =>
    marksIn(readFileSync(file, "latin1")).map((place) => `${place} in ${file}`),
  );
  expect(found).toEqual([]);
});

test("an address with a login in it is refused without repeating the login", async () => {
  machine.configure(`http://${MARKS.login}:${MARKS.login}@127.0.0.1:9/v1`, []);
  written.length = 0;
  expect(await orouter("config", "check")).toBe(3);
  expect(marksIn(written.join("\n"))).toEqual([]);
});
