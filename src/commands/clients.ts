import { askSure } from "../cli/ask.ts";
import { paintFor } from "../cli/colour.ts";
import { type ArgDefs, type ArgsOf, defineCommand } from "../cli/command.ts";
import { tableText } from "../cli/table.ts";
import { out, outJson, say, talk } from "../cli/talk.ts";
import { addClient, readClients, removeClient } from "../config/clients-file.ts";
import { loadConfig } from "../config/load.ts";
import { resolvePaths } from "../config/paths.ts";
import { EXIT } from "../core/problem.ts";
import { newToken } from "../proxy/access.ts";

const NAME = {
  type: "positional",
  required: true,
  valueHint: "NAME",
  description: "Name of the client",
} as const;

const ADD_ARGS = {
  name: NAME,
  json: { type: "boolean", description: 'Print {"name","token"}' },
} satisfies ArgDefs;

const REMOVE_ARGS = {
  name: NAME,
  yes: { type: "boolean", alias: "y", description: "Skip the confirmation" },
} satisfies ArgDefs;

const LIST_ARGS = { json: { type: "boolean", description: "Print the clients as JSON" } } satisfies ArgDefs;

const addCommand = defineCommand({
  name: "add",
  about: "Add a client and print its token once",
  examples: [{ line: "orouter clients add laptop", does: "a token for `orouter serve`, shown only now" }],
  args: ADD_ARGS,
  run: add,
  children: {},
});

const listCommand = defineCommand({
  name: "list",
  about: "List the clients of `orouter serve`",
  examples: [{ line: "orouter clients list", does: "names and dates; no token is kept" }],
  args: LIST_ARGS,
  run: list,
  children: {},
});

const removeCommand = defineCommand({
  name: "remove",
  about: "Remove a client; its token stops working at once",
  examples: [{ line: "orouter clients remove laptop", does: "asks, then removes it" }],
  args: REMOVE_ARGS,
  run: remove,
  children: {},
});

export const clientsCommand = defineCommand({
  name: "clients",
  about: "List, add and remove named clients of orouter serve",
  examples: [{ line: "orouter clients add laptop", does: "a token for one more user of `orouter serve`" }],
  args: {},
  run: undefined,
  children: {
    add: { about: addCommand.about, load: async () => addCommand },
    list: { about: listCommand.about, load: async () => listCommand },
    remove: { about: removeCommand.about, load: async () => removeCommand },
  },
});

async function add({ name, json }: ArgsOf<typeof ADD_ARGS>): Promise<number> {
  const token = await addClient(resolvePaths(process.env), name, { random: newToken(), nowMs: Date.now() });
  if (json === true) outJson({ name, token });
  else {
    out(token);
    say(
      `Added ${name}. The token is not kept: give it to the client now. It is the API key for orouter serve.`,
    );
  }
  return EXIT.fine;
}

async function list({ json }: ArgsOf<typeof LIST_ARGS>): Promise<number> {
  const paths = resolvePaths(process.env);
  const clients = await readClients(paths);
  if (json === true) outJson({ clients: clients.map(({ name, created }) => ({ name, created })) });
  else if (clients.length === 0) say("There are no clients. Add one: orouter clients add NAME");
  else {
    const { settings } = await loadConfig(paths);
    const look = { width: process.stdout.columns ?? 100, paint: paintFor(process.stdout, settings.theme) };
    out(
      tableText(
        [{ title: "CLIENT" }, { title: "ADDED" }],
        clients.map(({ name, created }) => [name, created]),
        look,
      ),
    );
  }
  return EXIT.fine;
}

async function remove({ name, yes }: ArgsOf<typeof REMOVE_ARGS>): Promise<number> {
  const call = `orouter clients remove ${name} --yes`;
  if (yes !== true && !(await askSure({ question: `Remove the client ${name}?`, call }))) {
    talk.info("Nothing was removed.");
    return EXIT.failed;
  }
  await removeClient(resolvePaths(process.env), name);
  talk.success(`Removed ${name}. Its token is refused from now on.`);
  return EXIT.fine;
}
