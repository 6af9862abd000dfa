"""Whether the public registries can be reached from here at all: if not, everything is built here."""

from __future__ import annotations

import ssl

import requests

from wavetank.bundle.https import SystemTrust
from wavetank.proxies import Session

__all__ = ["registries_answer"]

KUBERNETES_REGISTRY = "https://registry.k8s.io/v2/"
ANSWER_SECONDS = 5.0


def registries_answer() -> bool:
    """Ask Kubernetes' own image registry, once; a login page in its place is no answer."""
    with Session() as session:
        session.mount("https://", SystemTrust())
        try:
            answer = session.get(KUBERNETES_REGISTRY, timeout=ANSWER_SECONDS, stream=True)
        except (requests.RequestException, ssl.SSLError):
            return False
        with answer:
            # The API's own question "are you one?": yes, or not without a token.
            registry = answer.ok or "WWW-Authenticate" in answer.headers
            page = answer.headers.get("Content-Type", "").startswith("text/html")
            return registry and not page and answer.url.startswith("https:")
