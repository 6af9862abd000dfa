"""The program that a kubeconfig names to log in (``exec``): run when its credential is needed, and when it has run out.

The official client runs it too, but writes what went wrong to the log, goes on as nobody, and waits without end.
The protocol is client.authentication.k8s.io (https://kubernetes.io/docs/reference/access-authn-authz/authentication/).
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wavetank.document import read_json
from wavetank.kube.kubeconfig import Target

__all__ = ["Credential", "log_in"]

ANSWER_SECONDS = 60
"""How long it may take: some ask a person, in a browser."""
_EARLY = timedelta(minutes=1)
"""How long before its end a credential counts as run out."""
_LAST_LINES = 5

Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Credential:
    """What the program has given: a token, or a certificate and its key in PEM; without an end it is good for ever."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    until: datetime | None = None

    @property
    def has_run_out(self) -> bool:
        """Whether another one is due."""
        return self.until is not None and datetime.now(UTC) + _EARLY > self.until

    def as_user(self) -> Obj:
        """Return it as the user of a kubeconfig."""
        if self.token:
            return {"token": self.token}
        pem = {"client-certificate-data": self.certificate, "client-key-data": self.key}
        return {key: base64.b64encode(text.encode()).decode() for key, text in pem.items()}


def log_in(target: Target) -> Credential:
    """Run the program of the target's user and return what it gives.

    Raises `InputError` when it is not installed, fails, gives nothing usable, or takes longer than a minute.
    """
    asked: Obj = target.user["exec"]
    command = [str(asked.get("command") or ""), *map(str, asked.get("args") or ())]
    called = f"the program that logs in, {command[0]!r},"
    paste = shlex.join(command)
    interactive = sys.stdin is not None and sys.stdin.isatty() and asked.get("interactiveMode") != "Never"
    environment = dict(os.environ)
    environment |= {str(each["name"]): str(each["value"]) for each in asked.get("env") or ()}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(_information(target, interactive))
    expected = f"the credential of the user {target.user_name!r}"
    try:
        ran = subprocess.run(
            command,
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if interactive else subprocess.PIPE,  # it may ask for something
            text=True,
            errors="replace",
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, ValueError) as error:  # ValueError: a variable that no environment takes
        missing = isinstance(error, FileNotFoundError)
        reason = getattr(error, "strerror", None) or error
        raise target.refused(
            f"{called} {'is not installed' if missing else f'cannot be run: {reason}'}",
            expected="a program on the PATH, or where the kubeconfig says that it is",
            command=f"command -v {shlex.quote(command[0])}",
            hint=" ".join(str(asked.get("installHint") or "").split()) or "install it, or log in some other way",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise target.refused(
            f"{called} has not answered in {ANSWER_SECONDS} s",
            expected=expected,
            command=paste,
            hint="run it in a terminal first: it may ask you for something",
        ) from error
    if ran.returncode != 0:
        said = " / ".join((ran.stderr or "").strip().splitlines()[-_LAST_LINES:])
        raise target.refused(
            f"{called} failed with exit code {ran.returncode}{f': {said}' if said else ''}",
            expected=expected,
            command=paste,
            hint="log in with it in a terminal, then try again",
        )
    given = _credential(ran.stdout)
    if given is None:
        raise target.refused(
            f"{called} has answered without a credential", expected=f"{expected}, as an ExecCredential", command=paste
        )
    return given


def _information(target: Target, interactive: bool) -> Obj:
    """Return what the program is told: whether it may ask somebody, and the cluster if it wants to know."""
    asked: Obj = target.user["exec"]
    spec: Obj = {"interactive": interactive}
    if asked.get("provideClusterInfo"):
        keys = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        cluster = {key: target.cluster[key] for key in keys if target.cluster.get(key)}
        if authority := target.cluster.get("certificate-authority"):
            cluster["certificate-authority-data"] = base64.b64encode(Path(authority).read_bytes()).decode()
        for extension in target.cluster.get("extensions") or ():
            if extension.get("name") == "client.authentication.k8s.io/exec":
                cluster["config"] = extension.get("extension")
        spec["cluster"] = cluster
    return {"apiVersion": asked.get("apiVersion"), "kind": "ExecCredential", "spec": spec}


def _credential(answer: str) -> Credential | None:
    try:
        status = read_json(answer)["status"]
        until = status.get("expirationTimestamp")
        given = Credential(
            token=str(status.get("token") or ""),
            certificate=str(status.get("clientCertificateData") or ""),
            key=str(status.get("clientKeyData") or ""),
            until=datetime.fromisoformat(until).astimezone(UTC) if until else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    return given if given.token or (given.certificate and given.key) else None
