import { expect, test } from "bun:test";
import { keyNamed, type Rig, type RigOptions, startRig } from "./rig.ts";

interface Seen {
  method: string;
  path: string;
  key: string;
  body: string;
}

/** A provider whose accounts keep files and answers apart from each other. */
function startAccounts() {
  const seen: Seen[] = [];
  const kept = new Map<string, string>();
  let made = 0;
  /** Keys that are answered with this status. */
  const refusing = new Map<string, number>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (req) => {
      const { pathname, search } = new URL(req.url);
      const key = (req.headers.get("authorization") ?? "").replace("Bearer secret-", "");
      const path = pathname.replace("/v1/", "") + search;
      const call = { method: req.method, path, key, body: await req.text() };
      seen.push(call);
      const status = refusing.get(key);
      if (status !== undefined) return Response.json({ error: { message: "no" } }, { status });
      return answer(call);
    },
  });
  const create = (key: string, prefix: string): string => {
    const id = `${prefix}_${++made}`;
    kept.set(id, key);
    return id;
  };
  const missing = (what: string, status: number): Response =>
    Response.json({ error: { message: `${what} not found`, type: "invalid_request_error" } }, { status });
  const answer = ({ method, path, key, body }: Seen): Response => {
    const [, id] = /^(?:files|responses)\/((?:file|resp)[^/?]+)/.exec(path) ?? [];
    if (id !== undefined) return kept.get(id) === key ? Response.json({ id, ok: true }) : missing(id, 404);
    if (method === "POST" && path === "files")
      return Response.json({ object: "file", id: create(key, "file") });
    if (method === "POST" && path === "responses") return respond(key, JSON.parse(body));
    return Response.json({ data: [], path });
  };
  const respond = (key: string, asked: { previous_response_id?: string; stream?: boolean }): Response => {
    const before = asked.previous_response_id;
    if (before !== undefined && kept.get(before) !== key)
      return missing(`Previous response with id '${before}'`, 400);
    const id = create(key, "resp");
    const output = [
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        content: [{ type: "output_text", text: `by ${key}` }],
      },
    ];
    const whole = { id, object: "response", status: "completed", output };
    if (asked.stream !== true) return Response.json(whole);
    const events = [
      { type: "response.created", response: { object: "response", id, status: "in_progress", output: [] } },
      {
        type: "response.output_text.delta",
        item_id: "msg_1",
        output_index: 0,
        content_index: 0,
        delta: `by ${key}`,
      },
      { type: "response.completed", response: whole },
    ];
    const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  };
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    seen,
    kept,
    refusing,
    stop: () => server.stop(true),
  };
}

type Accounts = ReturnType<typeof startAccounts>;

const THREE = ["one", "two", "three"];

async function withAccounts(
  work: (rig: Rig, accounts: Accounts) => Promise<void>,
  more: Partial<RigOptions> & { api?: string } = {},
): Promise<void> {
  const { api = "responses", ...others } = more;
  const accounts = startAccounts();
  const rig = startRig({
    config: {
      chains: { coding: ["a/first"] },
      providers: { a: { base_url: accounts.url, api } },
      routing: { strategy: "round-robin", max_wait: "0s", patience: "0s" },
    },
    keys: { a: THREE },
    profile: "neutral",
    ...others,
  });
  try {
    await work(rig, accounts);
    expect(rig.bugs).toEqual([]);
  } finally {
    await rig.stop();
    accounts.stop();
  }
}

function post(rig: Rig, path: string, body: object): Promise<Response> {
  return rig.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

function idIn(text: string): string {
  return /"(resp_\d+|file_\d+)"/.exec(text)?.[1] ?? "";
}

test.each([
  ["/v1/responses", "a/first", false],
  ["/v1/responses", "a/first", true],
  ["/orouter/v1/responses", "coding", true],
  ["/a/v1/responses", "first", true],
])("previous_response_id goes to the key that holds the answer: %s, %s, stream %p", (path, model, stream) =>
  withAccounts(async (rig, accounts) => {
    for (let pair = 0; pair < 6; pair++) {
      const first = await (await post(rig, path, { model, input: `hi ${pair}`, stream })).text();
      // Another conversation moves the turn of the keys on.
      await (await post(rig, path, { model, input: `other ${pair}`, stream })).text();
      const next = { model, input: "go on", stream, previous_response_id: idIn(first) };
      const second = await post(rig, path, next);
      expect([second.status, await second.text()]).toEqual([
        200,
        expect.stringContaining(`by ${accounts.kept.get(idIn(first))}`),
      ]);
    }
    expect(accounts.seen).toHaveLength(18);
  }),
);

test("an answer that an earlier process made is found with each key in turn, then known", () =>
  withAccounts(async (rig, accounts) => {
    accounts.kept.set("resp_old", "three");
    const next = { model: "a/first", input: "go on", previous_response_id: "resp_old" };
    for (const calls of [3, 1]) {
      accounts.seen.length = 0;
      const response = await post(rig, "/v1/responses", next);
      expect([response.status, accounts.seen.length <= calls]).toEqual([200, true]);
      await response.text();
    }
    expect([...rig.router.cooldowns.keys()]).toEqual([]);
    const unknown = await post(rig, "/v1/responses", { ...next, previous_response_id: "resp_none" });
    expect([unknown.status, await unknown.text()]).toEqual([400, expect.stringContaining("resp_none")]);
    expect([...rig.router.cooldowns.keys()]).toEqual([]);
  }));

test("where the key that holds an answer is limited or gone, no other account is asked, and the error says so", () =>
  withAccounts(async (rig, accounts) => {
    const first = await (await post(rig, "/v1/responses", { model: "a/first", input: "hi" })).text();
    const id = idIn(first);
    const holder = accounts.kept.get(id) ?? "";
    const next = { model: "a/first", input: "go on", previous_response_id: id };
    accounts.refusing.set(holder, 429);
    accounts.seen.length = 0;
    const limited = await post(rig, "/v1/responses", next);
    expect([429, 503]).toContain(limited.status);
    expect(await limited.text()).toContain(`Only the key that made ${id} can use it`);
    expect(new Set(accounts.seen.map((call) => call.key))).toEqual(new Set([holder]));
    rig.router.reset();
    rig.router.setEnabled(keyNamed("a", holder).fingerprint, false);
    const gone = await post(rig, "/v1/responses", next);
    expect([gone.status, await gone.text()]).toEqual([400, expect.stringContaining(`the key ${holder}`)]);
    const elsewhere = await post(rig, "/v1/responses", { ...next, model: "groq/other" });
    expect([elsewhere.status, await elsewhere.text()]).toEqual([400, expect.stringContaining("kept by a")]);
  }));

test("files and stored answers are read, used and deleted with the key that made them", () =>
  withAccounts(async (rig, accounts) => {
    const form = new FormData();
    form.set("purpose", "assistants");
    form.set("file", new File(["text"], "a.txt"));
    for (const path of ["/v1/files", "/a/v1/files", "/orouter/v1/files"]) {
      const made = await rig.fetch(path, { method: "POST", body: form });
      const id = idIn(await made.text());
      accounts.seen.length = 0;
      for (const [method, rest] of [
        ["GET", ""],
        ["GET", "/content"],
        ["DELETE", ""],
      ] as const) {
        const response = await rig.fetch(`${path}/${id}${rest}`, { method });
        expect([method, rest, response.status]).toEqual([method, rest, 200]);
        await response.text();
      }
      const input = [{ role: "user", content: [{ type: "input_file", file_id: id }] }];
      await (await post(rig, "/v1/responses", { model: "a/first", input })).text();
      expect(accounts.seen.map((call) => call.key)).toEqual(Array(4).fill(accounts.kept.get(id)));
    }
    const answer = idIn(await (await post(rig, "/v1/responses", { model: "a/first", input: "hi" })).text());
    accounts.seen.length = 0;
    const paths = [`/v1/responses/${answer}`, `/v1/responses/${answer}/input_items?limit=5`];
    for (const path of paths) expect((await rig.fetch(path)).status).toBe(200);
    expect((await rig.fetch(`/v1/responses/${answer}/cancel`, { method: "POST" })).status).toBe(200);
    expect(accounts.seen.map(({ path, key }) => [path, key])).toEqual(
      [`responses/${answer}`, `responses/${answer}/input_items?limit=5`, `responses/${answer}/cancel`].map(
        (path) => [path, accounts.kept.get(answer) ?? ""],
      ),
    );
  }));

test.each([
  "embeddings",
  "completions",
  "moderations",
  "rerank",
  "images/generations",
  "audio/speech",
  "responses/input_tokens",
])("/v1/%s goes by the model in its body, and on to the next key", (path) =>
  withAccounts(async (rig, accounts) => {
    for (const [base, model] of [
      ["/v1", "a/first"],
      ["/orouter/v1", "coding"],
    ]) {
      accounts.seen.length = 0;
      accounts.refusing.set("one", 401).set("two", 401);
      const response = await post(rig, `${base}/${path}`, { model, input: "text" });
      expect(response.status).toBe(200);
      await response.text();
      expect(accounts.seen.at(-1)).toMatchObject({ key: "three", path });
      expect(JSON.parse(accounts.seen.at(-1)?.body ?? "")).toEqual({ model: "first", input: "text" });
    }
  }),
);

test.each(["audio/transcriptions", "audio/translations", "images/edits", "images/variations"])(
  "/v1/%s goes by the model in its form, whose other bytes stay",
  (path) =>
    withAccounts(async (rig, accounts) => {
      for (const [base, model] of [
        ["/v1", "a/first"],
        ["/orouter/v1", "coding"],
        ["/a/v1", "first"],
      ] as const) {
        const form = new FormData();
        form.set("file", new File(['name="model"\r\n\r\nfake'], "model.bin"));
        form.set("prompt", "model");
        form.set("model", model);
        form.set("language", "en");
        accounts.refusing.set("one", 401);
        const response = await rig.fetch(`${base}/${path}`, { method: "POST", body: form });
        expect(response.status).toBe(200);
        await response.text();
        const body = accounts.seen.at(-1)?.body ?? "";
        expect(body).toContain('name="model"\r\n\r\nfirst\r\n--');
        expect(body).toContain('name="language"\r\n\r\nen\r\n--');
        expect(body).toContain('\r\n\r\nname="model"\r\n\r\nfake\r\n--');
      }
    }),
);

test("one model is told as the list has it, and one that is not listed is asked of its provider", () =>
  withAccounts(async (rig, accounts) => {
    for (const path of ["/v1/models/a%2Ffirst", "/v1/models/a/first", "/orouter/v1/models/coding"]) {
      const response = await rig.fetch(path);
      expect([path, response.status, await response.json()]).toEqual([
        path,
        200,
        expect.objectContaining({ object: "model", owned_by: "orouter" }),
      ]);
    }
    expect(accounts.seen).toEqual([]);
    await (await rig.fetch("/v1/models/a%2Fsome%2Fother")).text();
    expect(accounts.seen.map(({ method, path }) => [method, path])).toEqual([["GET", "models/some%2Fother"]]);
    expect((await rig.fetch("/v1/models/nope")).status).toBe(404);
  }));

test.each([
  ["GET", "/v1/embeddings"],
  ["POST", "/v1/anything"],
  ["POST", "/orouter/v1/fine_tuning/jobs"],
  ["DELETE", "/v1/chat/completions"],
  ["GET", "/v1/"],
  ["GET", "/v1/filesystem"],
  ["GET", "/v1/responses"],
])("%s %s is no endpoint of ours and reaches no provider", (method, path) =>
  withAccounts(async (rig, accounts) => {
    const body = method === "POST" ? { body: JSON.stringify({ model: "a/first" }) } : {};
    expect((await rig.fetch(path, { method, ...body })).status).toBe(404);
    expect(accounts.seen).toEqual([]);
  }),
);

test("where two providers have keys, a file without a known maker is refused with the way to name one", () =>
  withAccounts(
    async (rig, accounts) => {
      const response = await rig.fetch("/v1/files/file-1");
      expect([response.status, await response.text()]).toEqual([
        404,
        expect.stringContaining("/<provider>/v1/files"),
      ]);
      expect(accounts.seen).toEqual([]);
    },
    { keys: { a: THREE, groq: ["other"] } },
  ));
