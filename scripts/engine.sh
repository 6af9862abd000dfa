#!/usr/bin/env bash
# Make sure a container engine answers.
#
#   engine.sh ask   Where none answers and this machine can be given one: ask whether it shall be, once. Quick; exit code
#                   0 when an engine answers, 10 when one may be installed, 1 when not. Without a terminal: says what
#                   will be done.
#   engine.sh       Install and start one where none answers, and wait for it. Asks as above, unless WAVETANK_ENGINE=yes.
#
# What is installed is what the distribution has: docker.io on Debian and Ubuntu, Podman on Fedora and RHEL, Docker on
# Arch and openSUSE. Anywhere else, and for anybody but root, it is said what to do.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
machine=${WAVETANK_MACHINE:-} # the tests have another
log=$machine/var/log/wavetank-engine.log
release=$machine/etc/os-release
cap_sys_resource=24 # its bit in the kernel's capability sets

# -- what there is --------------------------------------------------------------------------------------------------

# Wavetank itself knows where engines are found (contexts, sockets of products); before it is installed, Docker's
# command and the usual sockets tell.
answers() {
  if [[ -f $root/.venv/.done ]]; then # else it is half made, and has no wavetank yet
    "$root/.venv/bin/python" -c 'from wavetank import engine; engine.connect()' 2>/dev/null
  else
    docker info >/dev/null 2>&1 || a_known_socket_answers
  fi
}

a_known_socket_answers() {
  [[ -z ${DOCKER_HOST:-} ]] || return 1
  local own=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
  python3 - "$own"/{docker.sock,podman/podman.sock} /run/podman/podman.sock \
    "$HOME"/{.docker/run/docker.sock,.docker/desktop/docker.sock,.colima/default/docker.sock,.rd/docker.sock} \
    "$HOME/.orbstack/run/docker.sock" <<'CONNECT'
import socket, sys
sys.exit(all(socket.socket(socket.AF_UNIX).connect_ex(path) for path in sys.argv[1:]))
CONNECT
}

family() {
  local ID='' ID_LIKE='' word
  [[ -f $release ]] && source "$release"
  for word in $ID $ID_LIKE; do
    case $word in
      debian | ubuntu) echo debian && return ;;
      fedora | rhel) echo fedora && return ;;
      arch) echo arch && return ;;
      suse | opensuse) echo suse && return ;;
    esac
  done
}

package() {
  case $(family) in
    debian) echo docker.io ;;
    fedora) echo podman ;;
    arch | suse) echo docker ;;
  esac
}

lacks_sys_resource() {
  local bounding
  bounding=$(awk '/^CapBnd/ {print $2}' /proc/self/status)
  ((!(0x$bounding >> cap_sys_resource & 1)))
}

# -- what to say ----------------------------------------------------------------------------------------------------

advise() {
  cat >&2 <<ADVICE
No container engine answers.
  observed: $(docker info 2>&1 | grep -iE 'error|cannot|denied|not found' | head -1 || true)
  expected: an engine that answers \`docker info\`, or Podman's socket
  try:      $(what_to_do)
ADVICE
  exit 1
}

what_to_do() {
  local system
  system=$(uname -s)
  if [[ $system == Darwin ]]; then
    echo "install and start Docker Desktop, OrbStack, Rancher Desktop or Colima (\`brew install colima docker && colima start --cpu 4 --memory 8\`)"
  elif grep -qi microsoft /proc/sys/kernel/osrelease 2>/dev/null; then
    echo "Docker Desktop for Windows: Settings, Resources, WSL integration: switch this distribution on; or, inside it: sudo apt-get install docker.io"
  elif [[ -n $(package) ]]; then
    echo "as root: $(install_command) && $(start_command); or run \`sudo scripts/engine.sh\`, then \`sudo usermod -aG docker $(id -un)\` and log in again"
  else
    echo "install Docker Engine or Podman as your distribution does it, and start it"
  fi
}

install_command() {
  case $(family) in
    debian) echo "apt-get install -y docker.io" ;;
    fedora) echo "dnf install -y podman" ;;
    arch) echo "pacman -S --noconfirm docker" ;;
    suse) echo "zypper --non-interactive install docker" ;;
  esac
}

start_command() {
  [[ $(package) == podman ]] && echo "systemctl enable --now podman.socket" || echo "systemctl enable --now docker"
}

agree() {
  [[ ${WAVETANK_ENGINE:-} == yes ]] && return
  echo "No container engine answers; as root on this machine, Wavetank can install its distribution's $(package) and start it."
  [[ -t 0 ]] || { echo "No terminal to ask: going ahead."; return 0; }
  local answer
  read -rp "Install and start it? [Y/n] " answer
  [[ ${answer:-y} == [Yy]* ]]
}

ask() {
  [[ $(id -u) == 0 && -n $(package) ]] || advise
  agree || advise
}

# -- what to do -----------------------------------------------------------------------------------------------------

install_engine() {
  local program=dockerd
  [[ $(package) == podman ]] && program=podman
  command -v $program >/dev/null && return
  echo "Installing $(package) ..."
  if [[ $(family) == debian ]]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables procps >/dev/null
  else
    $(install_command) >/dev/null
  fi
}

started='' # its number, where no service manager does it

start_engine() {
  if [[ $(package) == podman ]]; then
    if [[ -d $machine/run/systemd/system ]]; then
      systemctl enable --now podman.socket
    else
      mkdir -p /run/podman
      setsid nohup podman system service --time=0 unix:///run/podman/podman.sock </dev/null >>"$log" 2>&1 &
      started=$!
    fi
    return
  fi
  if [[ -d $machine/run/systemd/system ]] && ! lacks_sys_resource; then
    systemctl enable --now docker
    return
  fi
  local runtime=()
  if lacks_sys_resource; then
    runtime=(--add-runtime "lessened=$root/.ci/runc-without-sys-resource" --default-runtime lessened)
  fi
  forget_the_dead dockerd "$machine/var/run/docker.pid"
  forget_the_dead containerd "$machine/var/run/docker/containerd/containerd.pid"
  echo "Starting dockerd (log: $log) ..."
  setsid nohup dockerd "${runtime[@]}" </dev/null >>"$log" 2>&1 &
  started=$!
}

# An engine that was killed leaves its number in a file. Once another program has got that number, the next engine takes
# that for itself, and either refuses to start or waits for an answer.
forget_the_dead() {
  local program=$1 file=$2 pid
  pid=$(cat "$file" 2>/dev/null) || return 0
  [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$program" ]] || rm -f "$file"
}

wait_for_engine() {
  local seen="the engine was started but does not answer after 60 s"
  for _ in $(seq 120); do
    answers && return
    [[ -z $started ]] || kill -0 "$started" 2>/dev/null || { seen="the engine was started, and has ended"; break; }
    sleep 0.5
  done
  echo "$seen; its last words:" >&2
  tail -n 15 "$log" >&2 || true
  echo "  see more: less $log" >&2
  exit 1
}

answers && exit 0
ask
[[ ${1:-} == ask ]] && exit 10
install_engine
start_engine
wait_for_engine
echo "A container engine answers."
