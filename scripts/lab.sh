#!/usr/bin/env bash
# From nothing to an open lab: JupyterLab opens as soon as its environment is there; an engine, a bundle and the cluster
# come up behind it, in a process of their own that outlives this one.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
wavetank=.venv/bin/wavetank

scripts/engine.sh ask
export WAVETANK_ENGINE=yes # asked, or not needed: what comes up behind the lab has nobody to ask
make --no-print-directory setup
needed=()
for lab in labs/*/lab.yaml; do needed+=(--for "$(basename "$(dirname "$lab")")"); done
$wavetank up --detach "${needed[@]}"
exec $wavetank lab "$@"
