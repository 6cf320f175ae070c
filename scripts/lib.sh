# Sourced by the scripts beside it: progress, packages, builds.
# shellcheck shell=bash disable=SC2034

set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
builds=$repository/build
release=$builds/release
# A Python of the user's own (pyenv, conda) may shadow the one that has Debian's modules.
python=/usr/bin/python3
script=${0##*/}

# Unsorted directory listings, messages and number formats must not depend on who runs this.
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }

die() {
  printf '%s: %s\n' "$script" "$*" >&2
  exit 1
}

packages_build=(
  g++ meson ninja-build pkg-config
  libdpdk-dev
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libboost-dev libcpp-httplib-dev libpq-dev libsoci-dev libsqlite3-dev prometheus-cpp-dev
  libcli11-dev libfmt-dev libmaxminddb-dev libnl-route-3-dev libpcap-dev libspdlog-dev libssl-dev libtomlplusplus-dev nlohmann-json3-dev
  libbenchmark-dev libgtest-dev libhyperscan-dev
  libmaxmind-db-writer-perl perl python3
)
packages_run=(
  librte-mempool-ring23 librte-net-af-packet23 librte-net-af-xdp23 librte-net-tap23
  dnsperf ethtool iproute2 iputils-ping knot-dnsutils nftables
  mmdb-bin
  libedit2 libgnutls30 libnettle8 libseccomp2 python3-ntp
)
packages_test=(
  clang clang-format libclang-rt-14-dev lld shellcheck
  bind9-dnsutils bird2 dpdk-dev ldnsutils librte-net-null23 librte-net-pcap23 librte-net-ring23
  postgresql-15
  python3-dnspython python3-grpcio python3-ntplib python3-protobuf
  valgrind
)

# missing_packages NAME...: those that are not installed.
missing_packages() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
  done
}

# install_packages NAME...: asks apt only when one is missing.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  [[ $(id -u) == 0 ]] || die "packages are missing and only root can install them: ${missing[*]}"
  step "installing ${#missing[@]} packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet=2 || die "apt-get update failed: is the package mirror reachable?"
  apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

require_debian() {
  local id='' version=''
  if [[ -r /etc/os-release ]]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  [[ $id == debian && $version == 12 ]] || die "this is '$id $version'; anytick is built and tested on Debian 12"
}

require_root() {
  [[ $(id -u) == 0 ]] || die "needs root: it makes network namespaces and opens AF_XDP or AF_PACKET sockets"
}

# setup DIRECTORY OPTION...: configures a build directory unless it is configured.
setup() {
  local directory=$1
  shift
  [[ -f $directory/build.ninja ]] && return 0
  step "configuring ${directory#"$repository"/}"
  # A directory left half configured would be refused.
  rm -rf "$directory"
  mkdir -p "$(dirname "$directory")"
  # Debian 12 is the one platform, so its compilers' warnings are known and none is let through.
  meson setup --werror "$@" "$directory" "$repository" >"$directory.log" 2>&1 || {
    cat "$directory.log" >&2
    die "configuring failed"
  }
}

# compile DIRECTORY [TARGET...]
compile() {
  local directory=$1
  shift
  step "building ${directory#"$repository"/}"
  ninja -C "$directory" "$@"
}

# bench_tables DIRECTORY: the sample pool's image and a map of real countries, by the programs built there. Sets tables and
# database.
bench_tables() {
  tables=$builds/bench
  mkdir -p "$tables"
  database=$("$repository/scripts/fetch_geo")
  "$repository/scripts/make_sample_pool" --serial 1 --output "$tables"
  "$1/control/anytick" zone compile "$tables/pool.example.json" -o "$tables/pool.image"
  "$1/control/anytick" geo compile --mmdb "$database" -o "$tables/country.map"
}
