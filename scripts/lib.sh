# shellcheck shell=bash disable=SC2034  # the lists are used by those who source this
# What ./run, ./test and the scripts of bench/ share: packages, steps with their seconds, builds.
# Sourced, never run; the caller has set -euo pipefail and changed to the top of the tree.

# Debian 12 packages by purpose, the one place where they are listed. See docs/adr/0002.
# What `./run` needs: compiler, build tools, libraries.
packages_build=(
  g++ cmake ninja-build ccache mold
  libboost1.81-dev libboost-json1.81-dev
  libargon2-dev libsqlite3-dev libssl-dev libcurl4-openssl-dev libpugixml-dev libqrcodegencpp-dev
  libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev
  prometheus-cpp-dev libhiredis-dev libmariadb-dev librabbitmq-dev
  ca-certificates
)
# What `./test --quick` needs on top.
packages_test=(libgtest-dev libgmock-dev librapidcheck-dev python3 sqlite3)
# What deploy/services runs, and another people's AMQP client. Debian's -core packages start no server
# of the system; RabbitMQ and Redis have none such, and theirs are left as Debian starts them.
packages_services=(mariadb-server-core mariadb-client-core rabbitmq-server python3-pika redis-server
  redis-tools)
# What deploy/cluster needs on top: its balancer. Debian's nginx starts a server of the system, which
# is left as it is.
packages_cluster=(nginx curl)
# What the pages are built with, and the tests with other people's clients; see need_node.
packages_node=(nodejs npm)
# What the tests in a browser need on top: it, and letters for both languages.
packages_browser=(chromium-headless-shell fonts-noto-core fonts-noto-cjk)
# What the rest of `./test` needs on top: fuzzing and analysis by clang, coverage.
packages_analysis=(clang-22 clang-tidy-22 libclang-rt-22-dev gcovr python3)
# What bench/ needs on top: the peers, a second load generator, a profiler.
packages_bench=(nginx libnginx-mod-http-lua redis-server redis-tools wrk linux-perf jq curl)

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# step TITLE COMMAND…: says what is done, does it, says how long it took. Keeps the exit status.
step() {
  local title=$1 started=$SECONDS status=0
  shift
  say "==> $title"
  "$@" || status=$?
  if [ "$status" = 0 ]; then
    say "    $title: $((SECONDS - started)) s"
  else
    say "    $title: FAILED after $((SECONDS - started)) s (status $status)"
  fi
  return "$status"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing packages needs root: run it as root, or install sudo"
  fi
}

# need_packages PACKAGE…: installs what is missing; silent and quick when nothing is.
need_packages() {
  local package missing=()
  command -v dpkg-query >/dev/null || {
    say "    this is no Debian system; expecting that these are installed by other means: $*"
    return 0
  }
  for package in "$@"; do
    case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
      *" installed") ;;
      *) missing+=("$package") ;;
    esac
  done
  [ ${#missing[@]} = 0 ] && return 0
  step "installing ${#missing[@]} Debian packages: ${missing[*]}" install_packages "${missing[@]}"
}

# Node 18 or newer, from wherever: Debian's packages are installed only where there is none.
need_node() {
  if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; then
    return 0
  fi
  need_packages "${packages_node[@]}"
}

# need_npm_packages FOLDER: what its package-lock.json lists, exactly; nothing where that is there.
need_npm_packages() {
  local folder=$1 installed=$1/node_modules/.package-lock.json
  [ "$installed" -nt "$folder/package-lock.json" ] && return 0
  step "installing the npm packages of $folder" install_npm_packages "$folder"
}
install_npm_packages() {
  local log=build/logs/npm.log
  mkdir -p build/logs
  npm ci --prefix "$1" --ignore-scripts --no-progress --loglevel=error >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "npm could not install the packages of $1; its whole output is in $log"
  }
}

install_packages() {
  local log=build/logs/apt.log
  mkdir -p build/logs
  {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 "$@"
  } 2>&1 | tee "$log" | show_apt_progress || {
    tail -n 20 "$log" >&2
    die "apt-get could not install the packages; its whole output is in $log"
  }
}

# One line per 40 steps of apt-get instead of a thousand lines.
show_apt_progress() {
  awk '/^Need to get/ { print "    " $0; fflush() }
       /^(Get:|Unpacking |Setting up )/ && ++steps % 40 == 0 {
         print "    " steps " steps, now: " substr($0, 1, 70); fflush()
       }'
}

# As many compilers at once as there are processors, and 1.5 GiB of memory for each.
parallel_jobs() {
  local processors memory_gib
  processors=$(nproc)
  memory_gib=$(awk '/^MemAvailable:/ { print int($2 / 1048576 / 1.5) }' /proc/meminfo)
  [ "$memory_gib" -ge 1 ] || memory_gib=1
  say "${SLUICE_JOBS:-$((processors < memory_gib ? processors : memory_gib))}"
}

# configure PRESET [-DNAME=VALUE…]: only when the folder is new or one of the values differs, so
# that a second run costs nothing. Ninja itself configures again when a CMake file changed.
configure() {
  local preset=$1 setting stale=0
  shift
  local folder=build/$preset
  if [ -f "$folder/build.ninja" ]; then
    for setting in "$@"; do
      setting=${setting#-D}
      grep -Eq "^${setting%%=*}:[A-Z]+=${setting#*=}\$" "$folder/CMakeCache.txt" || stale=1
    done
    [ $stale = 1 ] || return 0
  fi
  mkdir -p build/logs
  cmake --preset "$preset" "$@" >"build/logs/configure-$preset.log" 2>&1 || {
    cat "build/logs/configure-$preset.log" >&2
    return 1
  }
}

# compile PRESET [TARGET…]: progress comes from ninja.
compile() {
  local preset=$1
  shift
  NINJA_STATUS="    [%f/%t, %es] " ninja -C "build/$preset" -j "$(parallel_jobs)" "$@"
}
