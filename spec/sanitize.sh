#!/bin/sh
# sh spec/sanitize.sh address|thread|valgrind|debug [SPEC…]: the core's tests and the specs (all, or these) with
# AddressSanitizer, UBSan and LeakSanitizer, with ThreadSanitizer, under valgrind, or with nothing but the core's own
# checks, on the build that `make sanitize` or `make debug` has made. Every process that loads the module or the core is
# watched, and any report fails the run.
set -u
cd "$(dirname "$0")/.." || exit 1
tool=${1:?address, thread, valgrind or debug is wanted}
shift
export LUA="${LUA:-$(command -v lua5.4)}" # the stand-in's
programs=$PWD/build/$tool
# Elsewhere: the tools' options are words with separators of their own, and this folder's path may hold any of them.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
reports=$scratch/reports
mkdir "$reports"
cp spec/thread.supp "$scratch"
began=$(date +%s)

quote() { printf "'%s'" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")"; }

case $tool in
  address)
    # What UBSan finds is a trap, which AddressSanitizer reports: UBSan's own words would not come into the file.
    export ASAN_OPTIONS="log_path=$reports/asan:detect_stack_use_after_return=1:handle_sigill=1"
    ;;
  thread)
    # Without its sleep of a second at each end: the specs want ends that come at once.
    export TSAN_OPTIONS="log_path=$reports/tsan:second_deadlock_stack=1:atexit_sleep_ms=0:suppressions=$scratch/thread.supp"
    ;;
  valgrind)
    # Scripts of the same names that become valgrind. The interpreter is the system's: ours would collect for hours.
    # Only what is definitely lost: Lua knows its state by an address inside it, so os.exit leaves it "possibly lost".
    valgrind="valgrind -q --vgdb=no --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
    valgrind="$valgrind --error-exitcode=99 --fair-sched=yes --keep-debuginfo=yes"
    wrapped=$programs/wrapped
    rm -rf "$wrapped"
    mkdir -p "$wrapped"
    for program in "$programs"/*; do
      name=${program##*/}
      [ "$name" = lua ] && program=$LUA
      case $name in
        *.*) ;;
        *) [ -f "$program" ] && [ -x "$program" ] &&
          printf '#!/bin/sh\nexec %s --log-file="%s/%s.%%p" %s "$@"\n' \
            "$valgrind" "$reports" "$name" "$(quote "$program")" >"$wrapped/$name" &&
          chmod +x "$wrapped/$name" ;;
      esac
    done
    ln -s "$programs/stepimg.so" "$wrapped"
    programs=$wrapped
    ;;
  debug) ;; # what is not true aborts
  *)
    echo "address, thread, valgrind or debug is wanted" >&2
    exit 2
    ;;
esac

good=true
# But for one, the core's tests have one thread.
tests=spec/core/test_*.c
[ "$tool" = thread ] && tests=spec/core/test_thread.c
for test in $tests; do
  "$programs/$(basename "$test" .c)" || good=false
done
STEPIMG_SANITIZED=$programs "$programs/lua" "$(command -v busted)" --cpath="$programs/?.so" "$@" || good=false

find "$reports" -type f -size +0 -exec cat {} +
found=$(find "$reports" -type f -size +0 | wc -l)
echo "$tool: reports of $found processes, $(($(date +%s) - began)) s"
$good && [ "$found" -eq 0 ]
