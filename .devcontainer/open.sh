#!/usr/bin/env bash
# Open the lab in the terminal that has just been attached; where it is open already, say its address instead.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
server=$(.venv/bin/jupyter server list 2>/dev/null | grep --max-count=1 ':8888/' || true)
if [[ -n $server ]]; then
  address=${server%% ::*}
  echo "JupyterLab is open already: ${address/'/?'/'/wavetank?'}"
  exit
fi
# The engine inside starts with the container, and may be a little later than this terminal.
for _ in $(seq 60); do
  docker info >/dev/null 2>&1 && break
  sleep 0.5
done
exec make lab
