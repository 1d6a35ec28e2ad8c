#!/usr/bin/env bash
# Builds the library's tests for aarch64 (Jetson, Raspberry Pi, …) and runs under emulation those that hang on the
# processor: the native engine, its kernels, the searches, mean-shift. Every instruction set must give the same bits
# there, and the same as on x86-64.
#
# Takes some minutes on two cores, most of them compiling. Needs rustup, and on Debian or Ubuntu nothing else: compiler, C
# library and emulator are installed with apt-get where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu

if ! { command -v aarch64-linux-gnu-gcc && command -v qemu-aarch64 && ls /usr/aarch64-linux-gnu/lib/libc.so.6; } >/dev/null; then
    echo "installing gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
    root=""; [ "$(id -u)" = 0 ] || root=sudo
    $root apt-get update -q
    $root apt-get install -q -y --no-install-recommends gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
fi
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    echo "installing Rust's standard library for $target"
    rustup target add "$target"
fi

export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
# Compiling is what takes long: little is asked of the compiler, and nothing for what is not ours.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1
dependencies='profile.release.package."*".opt-level=0'
# Emulated code is ten times slower: fewer random cases of the same properties.
export PROPTEST_CASES="${PROPTEST_CASES:-32}"

# Without tract, whose kernels are not ours. What is left out takes minutes and does not hang on the processor (reading
# parts back).
cargo test --release --lib --no-default-features --target "$target" --config "$dependencies" -- \
    engine:: geometry:: grouping::mean_shift instruction_set \
    --skip parts_carry_the_parameters
