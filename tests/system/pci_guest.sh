#!/bin/sh
# The init of pci_test.py's virtual machine, by busybox. Its two NICs are on one wire: anytickd has the POP's, and at the
# PEER's it is asked by bench/load, then by the kernel. Each step's output goes to the second serial line, between "== NAME"
# and "== exit STATUS"; what it says on stderr goes to the first.

POP=0000:00:10.0
PEER=0000:00:11.0
POP_MAC=52:54:00:00:00:53
POP_IPV4=192.0.2.53
POP_IPV6=2001:db8:53::53
SOCKET=unix:/run/pop.sock
LOG=/run/anytickd.log

export PATH=/bin
exec >/dev/console 2>&1
# Of the image: KERNEL_DRIVER and KERNEL_MODULES of the NICs, LOAD_SECONDS.
# shellcheck disable=SC1091
. /etc/pci_test

step() {
  echo "-- $(cut -d' ' -f1 /proc/uptime) s: $1"
  echo "== $1" >/dev/ttyS1
  shift
  "$@" >/dev/ttyS1
  status=$?
  echo "== exit $status" >/dev/ttyS1
  return $status
}

load_modules() {
  for module in "$@"; do
    insmod "/modules/$module.ko" || return
  done
}

prepare() {
  mount -t proc proc /proc
  mount -t sysfs sys /sys
  mount -t devtmpfs dev /dev
  stty -F /dev/ttyS1 raw
  mkdir -p /run/dpdk /dev/net
  ip link set lo up
  echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
  load_modules tun uio uio_pci_generic
}

# bind ADDRESS DRIVER: whatever driver the device had before.
bind() {
  device=/sys/bus/pci/devices/$1
  echo "$2" >"$device/driver_override"
  [ ! -e "$device/driver" ] || echo "$1" >"$device/driver/unbind"
  echo "$1" >/sys/bus/pci/drivers_probe
  [ "$(basename "$(readlink "$device/driver")")" = "$2" ]
}

bind_both() {
  bind "$POP" uio_pci_generic && bind "$PEER" uio_pci_generic
}

# Returns when the daemon, in a network namespace of its own, is ready.
start() {
  : >"$LOG"
  unshare -n sh -c 'ip link set lo up; exec anytickd --config /etc/pop.toml' >>"$LOG" 2>&1 &
  daemon=$!
  tries=300
  until grep -q '^ready$' "$LOG"; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || [ ! -e "/proc/$daemon/exe" ]; then
      cat "$LOG"
      return 1
    fi
    sleep 0.2
  done
}

stop() {
  kill "$daemon"
  wait "$daemon"
}

# patiently COMMAND...: while the POP is not reachable. It and the whole machine may be starved.
patiently() {
  for _ in 1 2 3 4 5; do
    "$@" && return
    result=$?
    [ "$result" = 3 ] || break
  done
  return "$result"
}

push() {
  patiently anytick pop push --pop "$SOCKET" --zone /tables/zone.image --geo /tables/geo.map
}

status() {
  patiently anytick pop status --json --pop "$SOCKET"
}

# load OPTION...: a mix of all that it can ask, on one core with what controls the daemon.
load() {
  anytick_load --device "$PEER" --huge-pages --core 0 --server-mac "$POP_MAC" --server "$POP_IPV4" --server "$POP_IPV6" \
    --image /tables/zone.image --map /tables/geo.map --zipf 1 --aaaa 0.3 --edns 0.5 --subnet 0.3 --cookies 0.3 \
    --ipv6 0.4 --ntp 0.2 --garbage 0.1 --sources 128.0.0.0/2 --sources 2000::/3 --source-bits 8 --timeout 5 "$@"
}

# The kernel's own driver has the PEER from now on.
become_peer() {
  # shellcheck disable=SC2086
  load_modules $KERNEL_MODULES && bind "$PEER" "$KERNEL_DRIVER" || return
  ip link set eth0 up && ip address add 192.0.2.1/24 dev eth0 && ip address add 2001:db8:53::1/64 dev eth0
}

dig() {
  kdig +timeout=10 +retry=2 "$@"
}

run() {
  step bind bind_both || return
  step start start || return
  step push push || return
  step before status
  step load load --window 128 --seconds "$LOAD_SECONDS"
  step after status
  # More than the rings hold.
  step flood load --window 4096 --seconds "$LOAD_SECONDS"
  step stop stop
  step log cat "$LOG"

  step restart start || return
  step reload load --window 128 --seconds 1
  step peer become_peer || return
  for address in "$POP_IPV4" "$POP_IPV6"; do
    # A fragmented echo request, too.
    for bytes in 56 3000; do
      step "ping $address $bytes" ping -c 3 -W 10 -s "$bytes" "$address"
    done
    step "udp $address" dig +edns "@$address" 0.pool.example A
    step "tcp $address" dig +tcp "@$address" 0.pool.example A
  done
  step end status
  step "stop again" stop
  step "log again" cat "$LOG"
}

prepare
run
poweroff -f
