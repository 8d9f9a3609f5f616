import manifest from "../../package.json" with { type: "json" };

/** Where the files of a release lie, and their sums by name. */
export interface Release {
  baseUrl: string;
  homepage: string;
  sums: ReadonlyMap<string, string>;
}

/** The formula for Homebrew, on macOS and on Linux. */
export function homebrewFormula(release: Release): string {
  const at = (name: string): string => {
    const file = `orouter-${name}.tar.gz`;
    return `      url "${release.baseUrl}/${file}"\n      sha256 "${sumIn(release, file)}"`;
  };
  const cpus = (os: string): string =>
    [`    on_arm do\n${at(`${os}-arm64`)}\n    end`, `    on_intel do\n${at(`${os}-x64`)}\n    end`].join(
      "\n",
    );
  return `class Orouter < Formula
  desc "${manifest.description}"
  homepage "${release.homepage}"
  version "${manifest.version}"
  license "${manifest.license}"

  on_macos do
${cpus("darwin")}
  end

  on_linux do
${cpus("linux")}
  end

  def install
    bin.install "orouter"
    generate_completions_from_executable(bin/"orouter", "completions")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/orouter --version")
  end
end
`;
}

/** The manifest for Scoop, on Windows. */
export function scoopManifest(release: Release): string {
  const at = (name: string): object => {
    const file = `orouter-${name}.exe`;
    return { url: `${release.baseUrl}/${file}#/orouter.exe`, hash: sumIn(release, file) };
  };
  const scoop = {
    version: manifest.version,
    description: manifest.description,
    homepage: release.homepage,
    license: manifest.license,
    architecture: { "64bit": at("windows-x64"), arm64: at("windows-arm64") },
    bin: "orouter.exe",
  };
  return `${JSON.stringify(scoop, undefined, 4)}\n`;
}

function sumIn(release: Release, file: string): string {
  const sum = release.sums.get(file);
  if (sum === undefined) throw new Error(`${file} was not built`);
  return sum;
}
