import { accessSync, constants } from "node:fs";
import { basename, resolve } from "node:path";
import { type ArgDefs, defineCommand, usageProblem } from "../cli/command.ts";
import { loadConfig } from "../config/load.ts";
import { resolvePaths } from "../config/paths.ts";
import { Problem } from "../core/problem.ts";
import { execHarness } from "../harness/exec/exec.ts";
import { withoutOurs } from "../harness/run/child.ts";
import { runRouted } from "./run-agent.ts";

const EXEC_ARGS = {} satisfies ArgDefs;

/** `orouter exec -- CMD [ARG…]`: any program that reads its address and key from the usual variables. */
export const execCommand = defineCommand({
  name: "exec",
  about: "Run any program behind the router, by OPENAI_BASE_URL",
  examples: [
    { line: "orouter exec -- qwen", does: "a program that reads OPENAI_BASE_URL and OPENAI_API_KEY" },
    { line: "orouter exec -- env", does: "show what such a program gets" },
  ],
  args: EXEC_ARGS,
  rest: true,
  run: async (args) => run(args._),
  children: {},
});

async function run([command, ...words]: readonly string[]): Promise<number> {
  if (command === undefined) throw usageProblem("orouter exec needs a program.", ["orouter", "exec"]);
  const { env } = process;
  const paths = resolvePaths(env);
  const config = await loadConfig(paths);
  const end = await runRouted(
    {
      agent: {
        name: basename(command),
        promptLine: undefined,
        cleanEnv: withoutOurs,
        checkProject: () => {},
      },
      file: programOf(command),
      words,
      places: { env, paths },
      config,
    },
    execHarness,
    { kind: "routed", args: words },
  );
  return end.exitCode;
}

function programOf(command: string): string {
  const file = /[\\/]/.test(command) ? resolve(command) : Bun.which(command);
  if (file !== null && isExecutable(file)) return file;
  throw new Problem({
    code: "no-program",
    what: `${command} is not a program that can be run.`,
    fix: "Check its name and your PATH. Behind -- comes the program and then its own arguments.",
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
