import { readFileSync, statSync } from "node:fs";
import { parse } from "smol-toml";
import * as v from "valibot";
import { EXIT, Problem } from "../core/problem.ts";
import { didYouMean, nearest } from "../core/text.ts";
import type { Paths } from "./paths.ts";
import { editToml, readText, readToml } from "./toml-edit.ts";
import { writeFileAtomic } from "./write.ts";

/** A named token for `orouter serve`. Only its hash is kept: the token itself is shown once. */
export interface Client {
  name: string;
  hash: string;
  created: string;
}

const CLIENT = v.object({
  name: v.string(),
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  created: v.optional(v.string(), ""),
});

const FILE = v.object({ clients: v.optional(v.array(CLIENT), () => []) });

const OPENING = "# Who may use `orouter serve`. Tokens are kept as hashes. Edit with: orouter clients\n";

const NAME = /^[a-z0-9][a-z0-9._-]{0,39}$/i;

/** Tells the token of a client from the owner's. */
const PREFIX = "orc_";

type Place = Pick<Paths, "clientsFile">;

export function hashOf(token: string): string {
  return new Bun.CryptoHasher("sha256").update(`orouter-client:${token}`).digest("hex");
}

export async function readClients({ clientsFile }: Place): Promise<Client[]> {
  const toml = await readToml(clientsFile);
  return toml === undefined ? [] : clientsIn(toml.value, clientsFile);
}

/** Returns the client's token, made of a random text: the only time that it can be seen. */
export async function addClient(
  { clientsFile }: Place,
  name: string,
  { random, nowMs }: { random: string; nowMs: number },
): Promise<string> {
  if (!NAME.test(name)) {
    throw new Problem({
      code: "bad-client-name",
      what: `${JSON.stringify(name)} cannot be a client's name.`,
      fix: "Use up to 40 letters, digits, dots, hyphens and underscores.",
      exit: EXIT.usage,
    });
  }
  const token = PREFIX + random;
  const client: Client = { name, hash: hashOf(token), created: new Date(nowMs).toISOString().slice(0, 10) };
  await editToml(
    clientsFile,
    (value) => {
      const clients = clientsIn(value, clientsFile);
      if (clients.some((other) => other.name === name)) {
        throw new Problem({
          code: "client-exists",
          what: `There is a client ${name} already.`,
          fix: `For a new token remove it first: orouter clients remove ${name}`,
        });
      }
      return { ...value, clients: [...clients, client].map((one) => ({ ...one })) };
    },
    { opening: OPENING },
  );
  return token;
}

export async function removeClient({ clientsFile }: Place, name: string): Promise<void> {
  await editToml(clientsFile, (value) => {
    const clients = clientsIn(value, clientsFile);
    const kept = clients.filter((client) => client.name !== name);
    if (kept.length === clients.length) throw noClient(name, clients);
    return { ...value, clients: kept.map((one) => ({ ...one })) };
  });
}

function noClient(name: string, clients: readonly Client[]): Problem {
  const near = nearest(
    name,
    clients.map((client) => client.name),
  );
  return new Problem({
    code: "no-client",
    what: `There is no client ${name}.${near === undefined ? "" : ` ${didYouMean(near)}`}`,
    fix: "List them: orouter clients list",
  });
}

function clientsIn(value: unknown, file: string): Client[] {
  const parsed = v.safeParse(FILE, value);
  if (parsed.success) return parsed.output.clients;
  throw new Problem({
    code: "clients-faulty",
    what: `${file} is not a list of clients: each [[clients]] table needs a name and a hash.`,
    fix: `Correct it, or remove the file and add the clients again: orouter clients add NAME`,
    exit: EXIT.config,
  });
}

const OTHERS = 0o077;

/** Long enough that it cannot be guessed. */
const LEAST_TOKEN_CHARS = 24;

/** The token of the file, which only its owner may read; a new one where there is no file yet. */
export async function readTokenFile(file: string, random: () => string): Promise<string> {
  const text = await readText(file);
  if (text === undefined) {
    const token = random();
    await writeFileAtomic(file, `${token}\n`);
    return token;
  }
  if (process.platform !== "win32" && (statSync(file).mode & OTHERS) !== 0) {
    throw new Problem({
      code: "token-file-open",
      what: `${file} can be read by other users.`,
      fix: `Make it yours alone: chmod 600 ${file}`,
      exit: EXIT.config,
    });
  }
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token) && token.length >= LEAST_TOKEN_CHARS) return token;
  throw new Problem({
    code: "bad-token-file",
    what: `${file} must hold one line of at least ${LEAST_TOKEN_CHARS} letters, digits and signs.`,
    fix: "Remove the file: orouter serve then writes a new token into it.",
    exit: EXIT.config,
  });
}

/** The clients as a server knows them. The file is read again when it has changed, so a removed client is out at once. */
export class KnownClients {
  readonly #file: string;
  #version = "";
  #byHash = new Map<string, string>();

  constructor({ clientsFile }: Place) {
    this.#file = clientsFile;
  }

  /** The name of the client that has this token. A faulty file lets nobody in. */
  nameOf(token: string): string | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    this.#refresh();
    return this.#byHash.get(hashOf(token));
  }

  #refresh(): void {
    const version = versionOf(this.#file);
    if (version === this.#version) return;
    this.#version = version;
    try {
      const clients = version === "" ? [] : clientsIn(parse(readFileSync(this.#file, "utf8")), this.#file);
      this.#byHash = new Map(clients.map(({ hash, name }) => [hash, name]));
    } catch {
      this.#byHash = new Map();
    }
  }
}

function versionOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? "" : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}
