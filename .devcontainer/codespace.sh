#!/usr/bin/env bash
# In a codespace the browser asks for JupyterLab by the forwarded port's name: let the server take that one name, and no
# other, for its own. The token guards it as anywhere. Everywhere else there is nothing to do.
set -euo pipefail

[[ -n ${CODESPACE_NAME:-} ]] || exit 0
host="$CODESPACE_NAME-8888.${GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN:-app.github.dev}"
mkdir -p "$HOME/.jupyter"
cat >"$HOME/.jupyter/jupyter_server_config.json" <<CONFIG
{"ServerApp": {"allow_origin": "https://$host", "local_hostnames": ["localhost", "$host"]}}
CONFIG
