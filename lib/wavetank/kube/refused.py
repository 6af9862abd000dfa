"""Why the API server refuses an object although nothing is wrong with it: something else in its namespace says no."""

from __future__ import annotations

import re
from http import HTTPStatus

from wavetank.errors import KubeError

__all__ = ["is_for_good", "refused_by"]

_FOR_GOOD = frozenset({400, HTTPStatus.FORBIDDEN, 404, 422})
_NOT_COUNTED_YET = "status unknown for quota"
_QUOTA = re.compile(r"exceeded quota: ([^,\s]+)|failed quota: ([^,:\s]+)")
_LIMITS = re.compile(r"\b(minimum|maximum) \S+ (usage|storage|limit)|max limit to request ratio", re.IGNORECASE)


def is_for_good(error: KubeError) -> bool:
    """Tell whether the server will refuse the same object in the next second too."""
    return error.status in _FOR_GOOD and _NOT_COUNTED_YET not in error.summary


def refused_by(error: KubeError) -> str:
    """Return what in the namespace has refused an object, such as ``ResourceQuota small``; empty for anything else.

    The server says so in words alone (kubernetes/kubernetes, plugin/pkg/admission/resourcequota/controller.go and
    plugin/pkg/admission/limitranger/admission.go).
    """
    if error.status != HTTPStatus.FORBIDDEN:
        return ""
    if quota := _QUOTA.search(error.summary):
        return f"ResourceQuota {quota[1] or quota[2]}"
    return "LimitRange" if _LIMITS.search(error.summary) else ""
