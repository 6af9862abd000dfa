"""One script of everything that only root can do: for an administrator to read, and to run once."""

from __future__ import annotations

from collections.abc import Sequence

from wavetank.cluster.findings import Finding

__all__ = ["script"]

SETTINGS_FILE = "/etc/sysctl.d/90-wavetank.conf"

_HEAD = """\
#!/bin/sh
# What `wavetank doctor` found lacking on this machine, and nothing else. Read it, then run it once as root.
set -eu

"""
_SETTING = f"""\
# setting NAME=VALUE: for now, and for every boot.
setting() {{ sysctl -w "$1" && echo "$1" >> {SETTINGS_FILE}; }}

"""


def script(findings: Sequence[Finding]) -> str:
    """Return the script for what is lacking; "" when nothing is that root has to do."""
    wanted = [finding for finding in findings if finding.script]
    if not wanted:
        return ""
    parts = [f"# {each.name}: {each.seen}\n{each.script}\n" for each in wanted]
    helper = _SETTING if any("setting " in each.script for each in wanted) else ""
    return _HEAD + helper + "\n".join(parts)
