import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Terminal } from "@xterm/headless";
import { outcomeOf } from "../../src/demo/reply.ts";
import type { Scene } from "../../src/demo/scenes.ts";
import { startUpstream } from "../../src/demo/upstream.ts";
import type { KeyLine } from "./film.ts";
import { type Frame, readFrame } from "./frame.ts";

const ROOT = join(import.meta.dir, "..", "..");
const PATIENCE_MS = 180_000;
const LOOK_EVERY_MS = 50;

/** A shell in a real terminal with orouter, opencode and a scripted provider whose keys fail. */
export async function openStage(scene: Scene, cols: number, rows: number) {
  const keyLines = new Map<string, KeyLine>();
  const upstream = await startUpstream(scene, {
    onReply: ({ keyName, dialect }, reply) => {
      if (dialect === undefined || keyLines.has(keyName)) return;
      const isGood = reply.kind === "answer";
      keyLines.set(keyName, { key: keyName, isGood, words: isGood ? "answers" : outcomeOf(reply).what });
    },
  });
  const home = mkdtempSync(join(tmpdir(), "orouter-picture-"));
  furnish(home, upstream.baseUrl, scene);
  const terminal = new Terminal({ cols, rows, allowProposedApi: true });
  const shell = Bun.spawn(["bash", "--norc", "--noprofile", "-i"], {
    cwd: join(home, "project"),
    env: {
      PATH: [join(ROOT, "dist"), join(ROOT, "node_modules", ".bin"), "/usr/bin", "/bin"].join(":"),
      HOME: home,
      XDG_RUNTIME_DIR: join(home, "run"),
      TERM: "xterm-256color",
      COLORTERM: "truecolor",
      PS1: "\\[\\e[32m\\]❯\\[\\e[0m\\] ",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_AUTOUPDATE: "1",
    },
    terminal: { cols, rows, data: (_terminal, bytes) => terminal.write(bytes) },
  });
  // Programs query the terminal; send its answers back to them.
  terminal.onData((answer) => void shell.terminal?.write(answer));
  const frame = async (): Promise<Frame> => {
    await new Promise<void>((resolve) => terminal.write("", resolve));
    return withoutHome(readFrame(terminal), home);
  };
  const find = async (what: string, isIt: (words: string) => boolean): Promise<Frame> => {
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const now = await frame();
      if (isIt(wordsOf(now))) return now;
      if (performance.now() > endMs) throw new Error(`the screen never ${what}:\n${wordsOf(now)}`);
      await Bun.sleep(LOOK_EVERY_MS);
    }
  };
  return {
    type: (keys: string) => void shell.terminal?.write(keys),
    /** How the provider answered each key, in the order of the calls. */
    keyLines: (): KeyLine[] => [...keyLines.values()],
    /** The first frame that contains a text. */
    until: (text: string) => find(`showed ${text}`, (words) => words.includes(text)),
    /** The first frame without a text. */
    without: (text: string) => find(`cleared ${text}`, (words) => !words.includes(text)),
    close: async () => {
      shell.kill("SIGKILL");
      await shell.exited;
      await upstream.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function wordsOf(frame: Frame): string {
  return frame.rows.map((runs) => runs.map(({ text }) => text).join("")).join("\n");
}

/** Shows the temporary home as `~`. */
function withoutHome(frame: Frame, home: string): Frame {
  const short = (text: string): string =>
    text.replace(new RegExp(`${RegExp.escape(home)}(\\S*)`), (all, rest: string) =>
      `~${rest}`.padEnd(all.length),
    );
  const rows = frame.rows.map((runs) => runs.map((run) => ({ ...run, text: short(run.text) })));
  return { ...frame, rows };
}

function furnish(home: string, baseUrl: string, scene: Scene): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(home, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, path), text, { mode: 0o600 });
  };
  const refs = scene.models.map((model) => `"ollama-cloud/${model}"`);
  write(
    ".config/orouter/config.toml",
    `[models_dev]\nenabled = false\n[providers.ollama-cloud]\nbase_url = "${baseUrl}"\n[chains]\ncoding = [${refs.join(", ")}]\n`,
  );
  const keys = scene.keys.map(
    ({ name, secret }) => `[[keys]]\nprovider = "ollama-cloud"\nname = "${name}"\nvalue = "${secret}"\n`,
  );
  write(".config/orouter/keys.toml", keys.join("\n"));
  write("project/README.md", "# A project\n");
  mkdirSync(join(home, "run"), { mode: 0o700 });
}
