#!/bin/sh
# sh spec/fuzz/run.sh TARGET: runs build/fuzz/TARGET for FUZZ_SECONDS, from the seeds and all that was found before, and
# says in one line what came of it. An input that breaks a promise is put among the seeds, which every run begins with.
set -u
cd "$(dirname "$0")/../.." || exit 1
target=${1:?a target is wanted}
seeds=spec/fuzz/corpus/$target
grown=build/fuzz/corpus/$target
log=build/fuzz/$target.log
words=spec/fuzz/$target.dict
[ -e "$words" ] || words=spec/fuzz/json.dict
mkdir -p "$seeds" "$grown"
began=$(date +%s)
# The judge's garbage looks like a leak, which the fuzzer looks for after each input; the scanner allocates nothing.
leaks=1
[ "$target" = scanner ] && leaks=0
# -max_len: torn in pieces of up to 5000 bytes, what is longer tells no more.
if ! "build/fuzz/$target" -max_total_time="${FUZZ_SECONDS:-10}" -max_len=8192 -timeout=30 -rss_limit_mb=2048 \
  -detect_leaks=$leaks -dict="$words" -artifact_prefix="$seeds/" -print_final_stats=1 "$grown" "$seeds" >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  input=$(sed -n 's/.*Test unit written to //p' "$log")
  echo "fuzz $target: it broke a promise; once more: build/fuzz/$target ${input:-$seeds/*}" >&2
  exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
edges=$(sed -n 's/.*DONE *cov: \([0-9]*\).*/\1/p' "$log")
echo "fuzz $target: $runs inputs in $(($(date +%s) - began)) s through $edges edges, none broke a promise"
