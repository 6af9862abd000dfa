#!/usr/bin/env bash
# Make sure there is a Chromium for the browser tests: one on PATH, else Playwright's own, else Debian's as root.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
playwright_has_one() { compgen -G "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}/chromium*" >/dev/null; }

if find_chromium >/dev/null || playwright_has_one; then exit 0; fi
if [[ $(id -u) == 0 && -f /etc/debian_version ]]; then
  echo "Installing Debian's chromium for the browser tests ..."
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  echo "Installing Playwright's Chromium for the browser tests ..."
  "$root/.venv/bin/playwright" install chromium
fi
