#!/usr/bin/env bash
# Says whether vendor/rustdds is the published crate with vendor/rustdds-0.15.1.patch, and nothing else.
# `vendor/check.sh --write` writes the patch anew from what lies in vendor/rustdds, keeping its head.
set -euo pipefail
cd "$(dirname "$0")"
version=0.15.1
sum=42683a88b9dc025d7d45771b88d20846443b4901ec4b045ca78b8dd316ab616f # as the registry's index has it
kept=(src Cargo.toml LICENSE.md)
patch="$PWD/rustdds-$version.patch"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive() { find "${CARGO_HOME:-$HOME/.cargo}/registry/cache" -name "rustdds-$version.crate" 2>/dev/null | head -n 1; }
if [ -z "$(archive)" ]; then
    # A package that asks for the crate itself, so that cargo fetches it.
    cargo init --quiet --lib --name asks "$work/asks"
    (cd "$work/asks" && cargo add --quiet "rustdds@=$version" && cargo fetch --quiet)
fi
echo "$sum  $(archive)" | sha256sum --check --quiet
tar -xzf "$(archive)" -C "$work"
mkdir "$work/a"
for name in "${kept[@]}"; do cp -r "$work/rustdds-$version/$name" "$work/a/"; done
# Nothing in this repository names a registry's host.
sed -i 's#https://crates[.]io/crates/ros2-client#https://github.com/Atostek/ros2-client#
    s#(e.g., crates[.]io)#(as a published crate)#' "$work/a/Cargo.toml" "$work/a/src/lib.rs" "$work/a/src/ros2.rs"

if [ "${1:-}" = --write ]; then
    cp -r rustdds "$work/b"
    sed '/^diff --git /,$d' "$patch" > "$work/patch"
    (cd "$work" && git diff --no-index --no-prefix --no-color a b || true) >> "$work/patch"
    cp "$work/patch" "$patch"
    echo "$patch: written"
else
    patch --directory "$work/a" --strip 1 --silent < "$patch"
    diff --recursive --brief "$work/a" rustdds
    echo "vendor/rustdds is rustdds $version with $(basename "$patch")"
fi
