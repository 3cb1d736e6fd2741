#!/usr/bin/env bash
# Runs in the environment of conda build: PREFIX is the root of the package, and contains libtorch.
set -euo pipefail
export LIBTORCH=$PREFIX
export LIBCLANG_PATH=$BUILD_PREFIX/lib
# shellcheck disable=SC2016  # $ORIGIN is for the dynamic loader
export VARPIX_RPATH='$ORIGIN/../lib'
cargo metadata --format-version 1 --locked --filter-platform x86_64-unknown-linux-gnu | scripts/eval crate-licenses >THIRD-PARTY.txt
cargo build --release --locked
install -D --strip "${CARGO_TARGET_DIR:-target}/release/varpix" "$PREFIX/bin/varpix"
for model in models/*/model.json; do
  folder=${model%/*}
  install -D -m 644 -t "$PREFIX/share/varpix/$folder" "$folder"/*.json "$folder"/weights.safetensors
done
mkdir -p "$PREFIX/share/bash-completion/completions" "$PREFIX/share/man/man1"
"$PREFIX/bin/varpix" completions bash >"$PREFIX/share/bash-completion/completions/varpix"
"$PREFIX/bin/varpix" man --out-dir "$PREFIX/share/man/man1"
