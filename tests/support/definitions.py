"""Definitions of kinds, as much of one as the tests' own API server needs to serve it."""

from __future__ import annotations

from typing import Any


def definition(api_version: str, kind: str, plural: str, *, status: bool = False) -> dict[str, Any]:
    """Return the definition of a namespaced kind, with its ``status`` as a subresource or not."""
    group, _, version = api_version.partition("/")
    served = {"name": version, "served": True, **({"subresources": {"status": {}}} if status else {})}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [served],
        },
    }
