#!/usr/bin/env bash
# Fuzzes all code that reads files or arguments with damaged and generated input, under the address sanitizer.
#
#   scripts/fuzz.sh [TARGET|all] [SECONDS]      seconds per target (default: all, 20)
#
# A target is a file in Fuzzing/ that states what must hold. docs/fuzzing.md lists the bounds and explains what to do
# about a failure. Inputs that reach new code are kept in .build/fuzzing/found/TARGET and are used in the next run.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

build=.build/fuzzing
seconds=${2:-20}

targets=()
for file in Fuzzing/[a-z]*.swift; do targets+=("$(basename "$file" .swift)"); done
if [[ ${1:-all} != all ]]; then
  [[ -f Fuzzing/$1.swift ]] || { echo "fuzz: no target '$1' (known: all ${targets[*]})" >&2; exit 2; }
  targets=("$1")
fi

export SWIFT_BACKTRACE=enable=no
# The sanitizer keeps freed memory for a while; a small quarantine keeps that from exceeding the memory bound. A failed
# allocation returns null, as without the sanitizer.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=1

swift build -c release --sanitize address -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing --scratch-path "$build" --target Experiments ${SWIFT_FLAGS:-}
libraries=$(pkg-config --libs openblas yaml-0.1 libpng zlib)
# The same condition as in Package.swift.
if [[ -e /usr/include/oneapi/dnnl/dnnl.h && -z ${AIRFRAME_WITHOUT_ONEDNN+set} ]]; then libraries+=" -ldnnl"; fi

# The maps of all C modules, so that the harness can import modules that import them.
maps=()
for map in Sources/*/module.modulemap "$build"/release/*.build/module.modulemap; do
  maps+=(-Xcc "-fmodule-map-file=$map")
done

# The object files whose sources still exist.
objects=()
for object in "$build"/release/*.build/*.o; do
  module=$(basename "$(dirname "$object")" .build)
  if [[ -n $(find "Sources/$module" -name "$(basename "$object" .o)" -print -quit 2> /dev/null) ]]; then
    objects+=("$object")
  fi
done

compile() {
  # shellcheck disable=SC2086 # The libraries are several words.
  swiftc -O -swift-version 6 -parse-as-library -sanitize=fuzzer,address -use-ld=lld -I "$build/release/Modules" \
    "${maps[@]}" "Fuzzing/$1.swift" Fuzzing/Harness.swift "${objects[@]}" $libraries -o "$build/fuzz-$1"
}

for target in "${targets[@]}"; do
  compile "$target"
  # The target's first line: // Bounds: 64 KiB of input, 16 MiB per allocation, 512 MiB in total.
  read -r length malloc memory < <(sed -nE '1s/[^0-9]+/ /gp' "Fuzzing/$target.swift")
  found=$PWD/$build/found/$target
  mkdir -p "$found"
  printf '== fuzz %s for %d s\n' "$target" "$seconds"
  # Run in an empty folder, because a config may name files. The log is long; its end summarizes the run.
  empty=$(mktemp -d)
  if ! (cd "$empty" && "$OLDPWD/$build/fuzz-$target" -max_total_time="$seconds" -timeout=60 -max_len=$((length << 10)) \
      -malloc_limit_mb="$malloc" -rss_limit_mb="$memory" -artifact_prefix="$found-" -print_final_stats=1 \
      "$found" "$OLDPWD/Fuzzing/corpus/$target") > "$build/$target.log" 2>&1; then
    tail -60 "$build/$target.log" >&2
    echo "fuzz: $target failed; the input is beside $found" >&2
    exit 1
  fi
  rmdir "$empty"
  grep -E 'DONE|Done|stat::' "$build/$target.log"
done
