#!/usr/bin/env bash
# Make sure a Docker Engine answers. Where none does: on Debian or Ubuntu as root, install and start one after asking
# once (without a terminal: after saying so); anywhere else, say what to do.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
log=/var/log/wavetank-dockerd.log
cap_sys_resource=24 # its bit in the kernel's capability sets

answers() { docker info >/dev/null 2>&1; }

advise() {
  cat >&2 <<ADVICE
No Docker Engine answers.
  observed: $(docker info 2>&1 | grep -iE 'error|cannot|denied' | head -1 || true)
  expected: an engine that answers \`docker info\`
  try:      Docker Desktop, Rancher Desktop or OrbStack on a Mac or Windows: start it;
            on Linux: sudo apt-get install docker.io && sudo usermod -aG docker "$USER", then log in again
ADVICE
  exit 1
}

lacks_sys_resource() {
  local bounding
  bounding=$(awk '/^CapBnd/ {print $2}' /proc/self/status)
  ((!(0x$bounding >> cap_sys_resource & 1)))
}

agree() {
  echo "No Docker Engine answers; as root on this machine, Wavetank can install Debian's docker.io and start it."
  [[ -t 0 ]] || { echo "No terminal to ask: going ahead."; return 0; }
  local answer
  read -rp "Install and start it? [Y/n] " answer
  [[ ${answer:-y} == [Yy]* ]]
}

install_engine() {
  command -v dockerd >/dev/null && return
  echo "Installing docker.io ..."
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables procps >/dev/null
}

start_engine() {
  if [[ -d /run/systemd/system ]] && ! lacks_sys_resource; then
    systemctl enable --now docker
    return
  fi
  local runtime=()
  if lacks_sys_resource; then
    runtime=(--add-runtime "lessened=$root/.ci/runc-without-sys-resource" --default-runtime lessened)
  fi
  # A stale pid file of an engine that was killed would keep the next one from starting.
  [[ -f /var/run/docker.pid ]] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null && rm -f /var/run/docker.pid
  echo "Starting dockerd (log: $log) ..."
  setsid nohup dockerd "${runtime[@]}" </dev/null >>"$log" 2>&1 &
}

wait_for_engine() {
  for _ in $(seq 120); do
    answers && return
    sleep 0.5
  done
  echo "dockerd was started but does not answer after 60 s; its last words:" >&2
  tail -n 15 "$log" >&2
  echo "  see more: less $log" >&2
  exit 1
}

answers && exit 0
[[ $(id -u) == 0 && -f /etc/debian_version ]] || advise
agree || advise
install_engine
start_engine
wait_for_engine
echo "Docker Engine $(docker version --format '{{.Server.Version}}') answers."
