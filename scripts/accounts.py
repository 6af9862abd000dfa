"""Record in tests/kind/accounts what accounts may do in a cluster that is up: ``python -m scripts.accounts NAMESPACE``.

NAMESPACE is that of a lab, into which the user ``learner`` was let.

`may` is what ``kubectl auth can-i --list`` says, without what everybody may who is logged in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.kubectl import kubectl

__all__ = ["ACCOUNTS", "FOLDER", "LAB", "SERVERLESS", "Account", "may"]

FOLDER = Path(__file__).parents[1] / "tests/kind/accounts"
LAB = "LAB"
"""Stands for a namespace that the operator was let into, and the user ``learner`` by the roles that are shipped."""
EVERYBODY = "system:serviceaccount:default:nobody-in-particular"
TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to ask as, and the namespace that it is asked about."""

    user: str
    namespace: str


def _service(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


_OPERATOR, _POWER = _service("wavetank-system", "wavetank-operator"), _service("wavetank-system", "wavetank-power")
_NETLAYER = _service("knative-serving", "netlayer")

ACCOUNTS: Mapping[str, Account] = {
    "operator-anywhere": Account(_OPERATOR, "default"),
    "operator-in-a-lab": Account(_OPERATOR, LAB),
    "operator-at-home": Account(_OPERATOR, "wavetank-system"),
    "power-agent-anywhere": Account(_POWER, "default"),
    "power-agent-at-home": Account(_POWER, "wavetank-system"),
    "learner-anywhere": Account("learner", "default"),
    "learner-in-a-lab": Account("learner", LAB),
    "learner-in-wavetank-system": Account("learner", "wavetank-system"),
    "load-pod": Account(_service(LAB, "default"), LAB),
    "trace-collector": Account(_service("wavetank-system", "default"), "wavetank-system"),
}
SERVERLESS: Mapping[str, Account] = {
    "netlayer-anywhere": Account(_NETLAYER, "default"),
    "netlayer-beside-the-gateway": Account(_NETLAYER, "istio-system"),
    "netlayer-at-home": Account(_NETLAYER, "knative-serving"),
}
"""The accounts there are in every cluster that is up, and those that come with functions."""


def may(kubeconfig: Path, account: Account, lab: str) -> str:
    """Return the rights of ``account``, a line each; ``lab`` is the namespace that `LAB` stands for."""
    user, namespace = account.user.replace(LAB, lab), account.namespace.replace(LAB, lab)
    rights = _asked(kubeconfig, user, namespace) - _asked(kubeconfig, EVERYBODY, namespace)
    return "".join(f"{line}\n" for line in sorted(rights))


def _asked(kubeconfig: Path, user: str, namespace: str) -> set[str]:
    command = [kubectl(), "--kubeconfig", str(kubeconfig), "auth", "can-i", "--list", "--no-headers"]
    ran = subprocess.run(
        [*command, f"--as={user}", f"--namespace={namespace}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    return {re.sub(r" {2,}", "  ", line.strip()) for line in ran.stdout.splitlines()}


def main() -> None:
    """Write the files of all accounts. The argument is the namespace of a lab, into which a learner was let."""
    kubeconfig, lab = Path(os.environ["KUBECONFIG"]), sys.argv[1]
    FOLDER.mkdir(exist_ok=True)
    for name, account in {**ACCOUNTS, **SERVERLESS}.items():
        (FOLDER / f"{name}.txt").write_text(may(kubeconfig, account, lab), encoding="utf-8")
        print(FOLDER / f"{name}.txt")


if __name__ == "__main__":
    main()
