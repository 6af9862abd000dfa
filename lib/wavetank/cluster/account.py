"""The power agent's account in the cluster, so that it is no administrator there: see clusters/manifests/power.yaml."""

from __future__ import annotations

import base64
from pathlib import Path

from wavetank.document import read_documents, write_yaml
from wavetank.kube import Kube, Obj
from wavetank.kube.power import ACCOUNT, NAMESPACE

__all__ = ["power_kubeconfig"]

MANIFEST = Path(__file__).parents[3] / "clusters/manifests/power.yaml"
TOKEN_SECONDS = 30


def power_kubeconfig(kube: Kube, administrators: str) -> str:
    """Have the account in the cluster, and return the kubeconfig ``administrators`` with it in the place of theirs.

    Raises `WaitTimeoutError` when the cluster makes no token for it.
    """
    kube.apply(MANIFEST)
    words = f"a token for the account {ACCOUNT}"
    secret = kube.wait_for("Secret", ACCOUNT, NAMESPACE, _has_token, timeout=TOKEN_SECONDS, waiting_for=words)
    (document,) = read_documents(administrators, "admin.conf")
    config: Obj = document.data
    config["users"][0]["user"] = {"token": base64.b64decode(secret["data"]["token"]).decode()}
    return write_yaml(config)


def _has_token(secret: Obj | None) -> bool:
    return bool(secret and (secret.get("data") or {}).get("token"))
