// Runs after npm has installed: puts the program itself in the launcher's place, so that no Node stands in between.
// It fetches nothing, and where it cannot do this, or is not run at all, the launcher does the work.
const { linkSync, renameSync, rmSync } = require("node:fs");
const { join } = require("node:path");

/** The package whose program surely starts here; on musl that is the launcher's to find out. */
function packageName() {
  const { platform, arch, report } = process;
  // Windows starts programs by their extension; other package managers write launchers of their own around ours.
  if (!/^npm\//.test(process.env.npm_config_user_agent ?? "")) return undefined;
  if (platform === "darwin") return `orouter-darwin-${arch}`;
  if (platform !== "linux" || !report) return undefined;
  report.excludeNetwork = true;
  return report.getReport().header.glibcVersionRuntime ? `orouter-linux-${arch}` : undefined;
}

const name = packageName();
if (name !== undefined) {
  const launcher = join(__dirname, "bin", "orouter");
  const fresh = `${launcher}.new`;
  try {
    linkSync(require.resolve(`${name}/bin/orouter`), fresh);
    renameSync(fresh, launcher);
  } catch {
    rmSync(fresh, { force: true });
  }
}
