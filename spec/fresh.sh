#!/usr/bin/env bash
# make test-fresh [SUITES="bookworm trixie sid"] [STEPS="demo test"]: every target of the Makefile as a newcomer meets
# it, in debootstrap's minimal root with nothing but make and these sources. A table tells how each ended; the logs are
# in build/fresh/. Needs root. MIRROR is apt's own, or debootstrap's. (bash: for lists of words, and for its clock.)
set -u
cd "$(dirname "$0")/.." || exit 1
[ "$#" -gt 0 ] || set -- bookworm trixie sid
all_steps="demo again key clang check sanitize debug fuzz soak bench coverage mutants test hosts user sudo"
steps=${STEPS:-$all_steps}
few="spec/validate_spec.lua spec/image_spec.lua" # of the specs, for what runs them once more
logs=build/fresh
# A path that a shell, make and the tools' options could trip over.
sources="/srv/o'brien \"x\" ü/stepimg"

[ "$(id -u)" -eq 0 ] || { echo "make test-fresh needs root: it makes roots and mounts" >&2; exit 1; }
for step in $steps; do
  case " $all_steps " in *" $step "*) ;; *) echo "make test-fresh: STEPS are of $all_steps" >&2; exit 1 ;; esac
done
# Roots are big, and a path with a space is beyond debootstrap.
place=$(mktemp -d "${TMPDIR:-/var/tmp}/stepimg-fresh.XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$place"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$logs"

# ------------------------------------------------------------------------------------------------------------- roots --

# The suite's minimal root as an archive, made once a day, with what apt has to know on this machine.
make_archive() {
  local mirror=${MIRROR:-} root=$place/minimal
  [ -n "$(find "$archive" -mmin -1440 2>/dev/null)" ] && return
  # shellcheck disable=SC2016 # apt's own
    [ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    'Label: Debian' 2>/dev/null | head -n 1)
  debootstrap --variant=minbase --include=make "$suite" "$root" ${mirror:+"$mirror"} \
    >"$logs/$suite/debootstrap.log" 2>&1 &&
    { apt-config dump | grep '^Acquire::' | grep -v '::IndexTargets' >"$root/etc/apt/apt.conf.d/90machine"; true; } &&
    tar -C "$root" -cf "$archive.new" . && mv "$archive.new" "$archive"
  local made=$?
  rm -rf --one-file-system "$root"
  return "$made"
}

# A root with the sources in it, which belong to an ordinary user.
new_root() {
  rm -rf --one-file-system "$place/root"
  mkdir "$place/root" && tar -C "$place/root" -xf "$archive" && cp -L /etc/resolv.conf "$place/root/etc/resolv.conf" &&
    chroot "$place/root" useradd --create-home --shell /bin/bash user && mkdir -p "$place/root$sources" &&
    tar --exclude=./build --exclude=./stepimg.so --exclude=./.git -cf - . | tar -C "$place/root$sources" -xf - &&
    chroot "$place/root" chown -R user: "$sources"
}

# inside USER COMMAND: in the root and the sources' folder. Mounts and processes are a namespace's own, and go with it.
# shellcheck disable=SC2016 # expanded in there
inside() {
  unshare --mount --pid --fork --kill-child sh -c '
    root=$1 user=$2 archives=$3
    mount --bind "$root" "$root" && cd "$root" && mount -t proc proc proc || exit 1
    mount -t tmpfs -o mode=755 tmpfs dev && mkdir dev/pts dev/shm || exit 1
    for node in null zero full random urandom tty; do
      touch "dev/$node" && mount --bind "/dev/$node" "dev/$node" || exit 1
    done
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts && ln -s pts/ptmx dev/ptmx || exit 1
    mount -t tmpfs -o mode=1777 tmpfs dev/shm && mount --bind "$archives" var/cache/apt/archives || exit 1
    ln -s /proc/self/fd dev/fd && ln -s fd/0 dev/stdin && ln -s fd/1 dev/stdout && ln -s fd/2 dev/stderr || exit 1
    home=/root
    [ "$user" = root ] || home=/home/$user
    chroot --userspec="$user" . env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" \
      USER="$user" ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
      sh -c "cd \"\$1\" || exit 1; $4" sh "$5"
    exit
  ' sh "$place/root" "$1" "$archives" "$2" "$sources" </dev/null
}

# ------------------------------------------------------------------------------------------------------------- table --

declare -A cells seen versions
rows=()
failed=0

# row NAME USER COMMAND [PATTERN…]: one more row of the table. The command is to succeed, or where its first word is !,
# to fail, and its output to have what matches each pattern, or nothing that does where that begins with !.
row() {
  local name=$1 user=$2 command=$3 log="$logs/$suite/${1//[: ]/-}.log" began=$SECONDS wanted=0 got=0 good=ok pattern
  shift 3
  [ -n "${seen[$name]-}" ] || rows+=("$name")
  seen[$name]=yes
  [ "${command#! }" = "$command" ] || wanted=1
  echo "$suite: $name" >&2
  inside "$user" "${command#! }" >"$log" 2>&1 || got=1
  [ "$got" -eq "$wanted" ] || good=FAIL
  for pattern in "$@"; do
    wanted=0 got=0
    [ "${pattern#!}" = "$pattern" ] || wanted=1
    grep -qE -- "${pattern#!}" "$log" || got=1
    [ "$got" -eq "$wanted" ] && continue
    echo "test-fresh: this is not in the output as it is to be: $pattern" >>"$log"
    good=FAIL
  done
  [ "$good" = ok ] || { failed=1; echo "$suite: $name FAILED, see $log" >&2; tail -n 5 "$log" >&2; }
  cells[$suite,$name]="$good $((SECONDS - began)) s"
}

# ------------------------------------------------------------------------------------------------------------- steps --

A_PICTURE='^demo\.png: png, 1360 x 768, seed '
INSTALLED='^Installing with apt-get, for make '
# The service is where nobody listens, and where somebody does whom no authority knows.
CLOSED='STEP_BASE_URL=http://127.0.0.1:1/v1 STEP_API_KEY=x make demo'
# shellcheck disable=SC2016 # expanded in there
UNKNOWN='cd /tmp
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -keyout key -out cert
  openssl s_server -www -accept 127.0.0.1:0 -key key -cert cert >server & server=$!
  port=
  while kill -0 "$server" && [ -z "$port" ]; do
    sleep 0.1
    port=$(sed -n "s/^ACCEPT 127.0.0.1:\([0-9]*\)/\1/p" server)
  done
  cd - && STEP_BASE_URL=https://127.0.0.1:$port/v1 STEP_API_KEY=x make demo
  ended=$?; kill "$server"; exit "$ended"'

run_step() {
  case $1 in
    demo | again) # the second installs nothing
      row demo root "make demo" "$INSTALLED" "$A_PICTURE"
      # shellcheck disable=SC2016 # expanded in there
      versions[$suite]=$(inside root 'echo "libcurl $(pkg-config --modversion libcurl)," \
        "Lua $(pkg-config --modversion lua5.4), gcc $(gcc -dumpfullversion)"')
      printf '#!/bin/sh\necho "apt-get ran" >&2\nexit 1\n' >"$place/root/usr/local/bin/apt-get"
      chmod +x "$place/root/usr/local/bin/apt-get"
      row "demo again" root "make demo" "$A_PICTURE"
      ;;
    key)
      row "demo with a key" root "! $CLOSED" "$INSTALLED" '^No picture\. network: 127\.0\.0\.1: it cannot be reached'
      row "its authorities" root "! $UNKNOWN" '^No picture\. network: .*self-signed certificate'
      ;;
    clang) row "demo CC=clang" root "make demo CC=clang" "$INSTALLED.* clang" "$A_PICTURE" ;;
    test) row test root "make test" ' 0 failures / 0 errors ' '!of its own to be had' ;;
    sanitize) row sanitize root "make sanitize SPECS='$few'" ' 0 failures / 0 errors ' ;;
    debug) row debug root "make debug SPECS='$few'" ' 0 failures / 0 errors ' ;;
    coverage) row coverage root "make coverage SPECS='$few'" ' 0 failures / 0 errors ' '^all ' ;;
    mutants) row mutants root "make mutants MUTANTS=1 MUTANTS_FILES=^src/rules/" ' of 1 caught' ;;
    soak) row soak root "make soak SOAK_JOBS=2000" 'All is accounted for' ;;
    bench) row bench root "make bench BENCH_ROUNDS=1" '!not measured' 'The plot is in' ;;
    fuzz) row fuzz root "make fuzz FUZZ_SECONDS=1" 'none broke a promise' ;;
    hosts) row hosts root "make test-hosts ROUNDS=3" '^host +Lua ' '^nginx +luajit ' '!skipped' ;;
    check) row check root "make check" 'The rock is good' ;;
    user) # cannot install, is told so in a line, and needs no more than that
      row "user: demo" user "! make demo" '^make demo needs what these Debian packages hold: ([a-z0-9.-]+ ?)+$'
      row "user: set up" root "sh spec/setup.sh demo && sh spec/setup.sh test"
      row "user: then demo" user "make demo" "$A_PICTURE"
      row "user: test" user "make test" ' 0 failures / 0 errors '
      ;;
    sudo)
      row "sudo: set up" root "apt-get -qq update && apt-get -qq install sudo &&
        echo 'user ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/user"
      row "sudo: demo" user "make demo" "$INSTALLED" "$A_PICTURE"
      row "sudo: test" user "make test SPECS='$few'" "$INSTALLED" ' 0 failures / 0 errors '
      ;;
  esac
}

main() {
  local suite step name
  for suite in "$@"; do
    archive=$logs/$suite/minimal.tar archives=$PWD/$logs/$suite/archives
    mkdir -p "$archives"
    echo "$suite: the minimal root" >&2
    make_archive || { echo "$suite: debootstrap FAILED, see $logs/$suite/debootstrap.log" >&2; failed=1; continue; }
    for step in $steps; do
      [ "$step" = again ] || { new_root && run_step "$step"; } || failed=1
    done
  done

  printf '\n%-18s' ''
  printf '%-14s' "$@"
  for name in "${rows[@]}"; do
    printf '\n%-18s' "$name"
    for suite in "$@"; do printf '%-14s' "${cells[$suite,$name]-}"; done
  done
  echo
  for suite in "$@"; do echo "$suite: ${versions[$suite]-}"; done
  exit "$failed"
}

main "$@"
