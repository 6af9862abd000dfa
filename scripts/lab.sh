#!/usr/bin/env bash
# From nothing to a running lab: an engine, what the machine must have, a bundle, the cluster, JupyterLab.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
wavetank=.venv/bin/wavetank

scripts/engine.sh
$wavetank doctor
needed=()
for lab in labs/*/lab.yaml; do needed+=(--for "$(basename "$(dirname "$lab")")"); done
$wavetank up "${needed[@]}"
exec $wavetank lab "$@"
