#!/usr/bin/env bash
# tools/fuzz.sh FOLDER MINUTES [TARGET]...: runs libFuzzer targets of a build (FOLDER is its bin), one after
# the other at the lowest priority, each for MINUTES. What they find new is kept beside the build; an input
# that fails is named at the end, and belongs into fuzz/corpus/TARGET once it is cured.
set -euo pipefail

bin=$1 minutes=$2
shift 2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
targets=("$@")
if ((${#targets[@]} == 0)); then
  for folder in "$root"/fuzz/corpus/*/; do targets+=("$(basename "$folder")"); done
fi

failed=()
for target in "${targets[@]}"; do
  program=$bin/fuzz_$target
  [[ -x $program ]] || { echo "no target $target: $program is missing" >&2; exit 1; }
  found=$bin/../fuzz/$target
  mkdir -p "$found"
  echo "==> $target for $minutes minutes"
  if nice -n 19 "$program" -max_total_time=$((minutes * 60)) -timeout=20 -rss_limit_mb=2048 -max_len=16384 \
    -print_final_stats=1 -artifact_prefix="$found/failed-" "$found" "$root/fuzz/corpus/$target" \
    > "$found.log" 2>&1; then
    grep -E 'DONE|number_of_executed_units' "$found.log"
  else
    tail -n 25 "$found.log"
    failed+=("$target")
  fi
done
((${#failed[@]} == 0)) || { echo "failed: ${failed[*]}; the inputs are $bin/../fuzz/TARGET/failed-*" >&2; exit 1; }
