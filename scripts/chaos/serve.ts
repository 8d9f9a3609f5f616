/** A running `orouter serve` in a home of its own. */
export interface Serve {
  url: string;
  token: string;
  pid: number;
  stop: (signal?: NodeJS.Signals) => Promise<void>;
}

/** Starts `orouter serve` and waits for the line that says where it is. */
export async function startServe(orouter: string, home: string): Promise<Serve> {
  const child = Bun.spawn([orouter, "serve", "--json"], {
    cwd: home,
    env: { PATH: "/usr/bin:/bin", HOME: home, XDG_RUNTIME_DIR: home, TMPDIR: home },
    stdin: "ignore",
    stdout: "pipe",
    stderr: Bun.file(`${home}/serve-stderr.txt`),
  });
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of child.stdout.values({ preventCancel: true })) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n")) break;
  }
  if (!text.includes("\n")) throw new Error(`orouter serve did not start; see ${home}/serve-stderr.txt`);
  const { url, token, pid } = JSON.parse(text) as { url: string; token: string; pid: number };
  return {
    url,
    token,
    pid,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      await child.exited;
    },
  };
}
