#!/usr/bin/env bash
# Open the lab in the terminal that has just been attached; where it is open already, say its address instead.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
servers=$(.venv/bin/jupyter server list 2>/dev/null | grep ':8888/' || true)
if [[ -n $servers ]]; then
  echo "JupyterLab is open already: ${servers%% ::*}"
  exit
fi
exec make lab
