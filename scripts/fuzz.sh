#!/usr/bin/env bash
# Feeds damaged and invented input to everything that reads files or arguments, under the address sanitizer.
#
#   scripts/fuzz.sh [TARGET|all] [SECONDS]      seconds a target (default: all, 20)
#
# A target is a file in Fuzzing/, which holds what it claims; docs/fuzzing.md has the bounds and how to go on from a find.
# New inputs that reach new code are kept in .build/fuzzing/found/TARGET and serve the next round.
set -euo pipefail
cd "$(dirname "$0")/.."

build=.build/fuzzing
seconds=${2:-20}

# Bytes of input, and MiB of the largest single allocation and of all memory: the bounds of docs/fuzzing.md.
declare -A bounds=(
  [yaml]="65536 32 1024"
  [overrides]="16384 32 1024"
  [json]="65536 16 512"
  [idx]="65536 16 512"
  [png]="65536 64 512"
  [safetensors]="65536 16 512"
  [npz]="65536 16 512"
)
targets=(yaml overrides json idx png safetensors npz)

if [[ ${1:-all} != all ]]; then
  [[ -n ${bounds[$1]:-} ]] || { echo "fuzz: no target '$1' (known: all ${targets[*]})" >&2; exit 2; }
  targets=("$1")
fi

export SWIFT_BACKTRACE=enable=no
# Memory that was freed is watched for a while, which must not count as much; a failed allocation returns null, as usual.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=1

swift build -c release --sanitize address -Xswiftc -sanitize=fuzzer --scratch-path "$build" --target Experiments ${SWIFT_FLAGS:-}
libraries=$(pkg-config --libs openblas yaml-0.1 libpng zlib)

# The maps of all C modules, for the harness to import what imports them.
maps=()
for map in Sources/*/module.modulemap "$build/release/CKernels.build/module.modulemap"; do
  maps+=(-Xcc "-fmodule-map-file=$map")
done

compile() {
  # shellcheck disable=SC2086 # The libraries are several words.
  swiftc -O -swift-version 6 -parse-as-library -sanitize=fuzzer,address -use-ld=lld -I "$build/release/Modules" \
    "${maps[@]}" "Fuzzing/$1.swift" Fuzzing/Harness.swift "$build"/release/*.build/*.o $libraries -o "$build/fuzz-$1"
}

for target in "${targets[@]}"; do
  compile "$target"
  read -r length malloc memory <<< "${bounds[$target]}"
  found=$PWD/$build/found/$target
  mkdir -p "$found"
  printf '== fuzz %s for %d s\n' "$target" "$seconds"
  # From an empty folder: a config may name files. The log is long, its end says what was done.
  empty=$(mktemp -d)
  if ! (cd "$empty" && "$OLDPWD/$build/fuzz-$target" -max_total_time="$seconds" -timeout=20 -max_len="$length" \
      -malloc_limit_mb="$malloc" -rss_limit_mb="$memory" -artifact_prefix="$found-" -print_final_stats=1 \
      "$found" "$OLDPWD/Fuzzing/corpus/$target") > "$build/$target.log" 2>&1; then
    tail -60 "$build/$target.log" >&2
    echo "fuzz: $target failed; the input is beside $found" >&2
    exit 1
  fi
  rmdir "$empty"
  grep -E 'DONE|Done|stat::' "$build/$target.log"
done
