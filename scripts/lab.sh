#!/usr/bin/env bash
# From nothing to an open lab: JupyterLab opens as soon as its environment is there; an engine, a bundle and the cluster
# come up behind it, in a process of their own that outlives this one.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
wavetank=.venv/bin/wavetank

agreed=no # only who was asked has agreed to an engine being installed, and only for what comes up now
scripts/engine.sh ask || { (($? == 10)) && agreed=yes; } || exit 1
if [[ -w . && (! -e .venv || -O .venv) ]]; then
  make --no-print-directory setup
elif [[ ! -x $wavetank ]]; then
  echo "This folder is not yours to write to, and has no environment that can be used yet: its owner runs \`make setup\` in it once." >&2
  exit 1
fi
needed=()
for lab in labs/*/lab.yaml; do needed+=(--for "$(basename "$(dirname "$lab")")"); done
WAVETANK_ENGINE=$agreed $wavetank up --detach "${needed[@]}" || echo "The lab opens all the same."
exec $wavetank lab "$@"
