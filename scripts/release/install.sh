#!/bin/sh
# Installs orouter @VERSION@: fetches the program for this machine, checks its sum, and puts it into a folder.
#   OROUTER_INSTALL=DIR   where to (default: ~/.local/bin)
set -eu

base="${OROUTER_RELEASE:-@BASE@}"
dir="${OROUTER_INSTALL:-$HOME/.local/bin}"

fail() {
  echo "orouter: $1" >&2
  exit 1
}

# Nothing but HTTPS is followed, redirects included; only this machine itself may serve files without it.
case "$base" in
  https://*) proto="=https" https_only="--https-only" ;;
  http://127.0.0.1:* | http://localhost:*) proto="=http" https_only="" ;;
  *) fail "$base is not an https:// address." ;;
esac

case "$(uname -s)" in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) fail "there is no program for $(uname -s) here. On Windows: npm i -g orouter, or Scoop." ;;
esac
case "$(uname -m)" in
  x86_64 | amd64) cpu=x64 ;;
  aarch64 | arm64) cpu=arm64 ;;
  *) fail "there is no program for a $(uname -m)." ;;
esac
name="orouter-$os-$cpu"
# Programs for glibc do not start where there is only musl.
if [ "$os" = linux ] && ! ldd --version 2>&1 | grep -qiE 'glibc|gnu libc'; then name="$name-musl"; fi

fetch() {
  if command -v curl >/dev/null; then curl --proto "$proto" --tlsv1.2 -fsSL "$1" -o "$2"
  elif command -v wget >/dev/null; then wget $https_only -qO "$2" "$1"
  else fail "it takes curl or wget to fetch the program."; fi
}
sum() {
  if command -v sha256sum >/dev/null; then sha256sum "$1" | cut -d ' ' -f 1
  elif command -v shasum >/dev/null; then shasum -a 256 "$1" | cut -d ' ' -f 1
  else fail "it takes sha256sum or shasum to check what was fetched."; fi
}

temp="$(mktemp -d)"
trap 'rm -rf "$temp"' EXIT
trap 'exit 1' INT TERM HUP
fetch "$base/SHA256SUMS" "$temp/SHA256SUMS" || fail "$base/SHA256SUMS could not be fetched."
fetch "$base/$name.tar.gz" "$temp/$name.tar.gz" || fail "$base/$name.tar.gz could not be fetched."
wanted="$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\.tar\.gz\$/\1/p" "$temp/SHA256SUMS")"
[ -n "$wanted" ] || fail "SHA256SUMS does not name $name.tar.gz."
[ "$(sum "$temp/$name.tar.gz")" = "$wanted" ] || fail "$name.tar.gz is not what SHA256SUMS says. Nothing was installed."

# The sums come from the same place as the file. The attestation does not: it says which workflow built the file.
repo="$(printf '%s\n' "$base" | sed -n 's#^https://github\.com/\([^/]*/[^/]*\)/releases/download/.*#\1#p')"
if [ -z "$repo" ]; then attested="not checked: $base is no release on GitHub"
elif ! command -v gh >/dev/null; then attested="not checked: gh is not installed"
elif ! gh auth status >/dev/null 2>&1; then attested="not checked: gh is not logged in"
elif gh attestation verify "$temp/$name.tar.gz" --repo "$repo" >/dev/null 2>&1; then attested="built by the release workflow of $repo"
else fail "$name.tar.gz has no valid attestation of $repo. Nothing was installed."
fi

tar -xzf "$temp/$name.tar.gz" -C "$temp"
mkdir -p "$dir"
# Beside the old one first: a rename is whole, and works while the old program runs.
cp "$temp/orouter" "$dir/.orouter.new"
chmod 755 "$dir/.orouter.new"
mv -f "$dir/.orouter.new" "$dir/orouter"
"$dir/orouter" --version >/dev/null || fail "$dir/orouter does not start on this machine."

echo "Installed $("$dir/orouter" --version) as $dir/orouter"
echo "Checksum: as in SHA256SUMS. Attestation: $attested."
case ":$PATH:" in
  *":$dir:"*) echo "Begin with: orouter opencode" ;;
  *) echo "$dir is not on your PATH. Add it: export PATH=\"$dir:\$PATH\"" ;;
esac
