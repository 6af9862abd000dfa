"""Kubeconfig files, read as kubectl reads them: which server and which user a context means, and where each stands.

`$KUBECONFIG` may name several files. Of each name the first file's entry counts, of the current context the first that
is set; files that are missing are passed over while another is there (k8s.io/client-go, tools/clientcmd/loader.go). The
official Python client lets the last current context win, and takes a missing file for an empty one.

What kubectl would not use is refused here in one sentence, with the file it stands in. The one difference is on
purpose: the user's default file is never guessed at, and there is no server on localhost:8080 to fall back to.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wavetank.errors import InputError
from wavetank.kube.entries import LISTS, entries, load, refused
from wavetank.kube.origin import Origin

__all__ = ["VARIABLE", "Target", "read"]

VARIABLE = "KUBECONFIG"
_CLUSTER_FILES = ("certificate-authority",)
_USER_FILES = ("client-certificate", "client-key", "tokenFile")

_START = "start a cluster with: wavetank up"

Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What a context means: a cluster and a user as their kubeconfig has them, but for paths, which are absolute."""

    origin: Origin
    cluster: Obj
    user: Obj
    user_name: str

    def refused(self, reason: str, *, expected: str, hint: str = "", command: str = "") -> InputError:
        """Return the error for a target that cannot be used, with where its server came from."""
        return InputError(
            f"cannot use the kubeconfig: {reason}",
            where=str(self.origin.file),
            observed=str(self.origin),
            expected=expected,
            command=command or f"kubectl --kubeconfig {shlex.quote(str(self.origin.file))} config view",
            hint=hint,
        )

    @property
    def host(self) -> str:
        """The name or address of its server, without scheme and port."""
        return urlsplit(self.origin.server).hostname or ""

    def document(self, user: Obj) -> Obj:
        """Return a kubeconfig of this target alone, used by ``user``."""
        if user.get("tokenFile") and not user.get("token"):
            user = {**user, "token": Path(user["tokenFile"]).read_text().strip()}
        name = self.origin.context
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": self.cluster}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": user}],
        }


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a list in a kubeconfig, and the file that it is in."""

    file: Path
    value: Obj


@dataclass(frozen=True, slots=True)
class _Merged:
    """Several files as one; ``told`` names them in an error."""

    told: str
    current: str
    entries: Mapping[str, Mapping[str, _Entry]]


def read(kubeconfig: Path | None, context: str | None) -> Target:
    """Return what ``context`` (by default the current one) means in ``kubeconfig``, or else in ``$KUBECONFIG``.

    Raises `InputError` for files that are missing or cannot be read, and for a context that names nothing usable.
    """
    files = [kubeconfig] if kubeconfig is not None else _files_of_environment()
    merged = _merge(files, must_exist=kubeconfig is not None)
    variable = "" if kubeconfig is not None else VARIABLE
    name = context or merged.current
    expected = "a kubeconfig file with a current context" if context is None else f"a context {context!r}"
    known = ", ".join(merged.entries["contexts"]) or "none"
    if not name:
        raise refused(
            merged.told,
            "it has no current context",
            expected,
            observed=f"its contexts: {known}",
            hint=f"choose one: {_kubectl(variable, files)} config use-context NAME",
        )
    found = merged.entries["contexts"].get(name)
    if found is None:
        current = " (its current context)" if context is None else ""
        raise refused(
            merged.told,
            f"there is no context {name!r}{current}",
            expected,
            observed=f"its contexts: {known}",
            hint=f"choose one: {_kubectl(variable, files)} config use-context NAME",
        )
    cluster = _named(merged, found, name, "cluster")
    user = _named(merged, found, name, "user")
    origin = Origin(_server(cluster, merged.told, name), variable, cluster.file, name)
    target = Target(
        origin,
        _with_paths(cluster, _CLUSTER_FILES),
        _with_paths(user, _USER_FILES),
        str(found.value.get("user") or ""),
    )
    _refuse_what_kubectl_refuses(target)
    return target


def _files_of_environment() -> list[Path]:
    value = os.environ.get(VARIABLE)
    files = [Path(name) for name in dict.fromkeys((value or "").split(os.pathsep)) if name]
    if not files:
        raise InputError(
            "no cluster to connect to",
            observed="no kubeconfig was given, and "
            + (f"${VARIABLE} is not set" if value is None else f"${VARIABLE} names no file: it is {value!r}"),
            expected=f"a kubeconfig in ${VARIABLE}; Wavetank guesses at no other, ~/.kube/config neither",
            hint=_START if value is None else f"unset {VARIABLE}, or set it as `wavetank up` says; {_START}",
        )
    return files


def _merge(files: list[Path], *, must_exist: bool) -> _Merged:
    read_ones = {}
    missing = []
    for file in files:
        if must_exist or not _is_missing(file):
            read_ones[file] = load(file)
        else:
            missing.append(file)
    told = os.pathsep.join(map(str, files))
    if not read_ones:
        reason = "No such file or directory" if len(missing) == 1 else "none of these files is there"
        hint = f"set {VARIABLE} as `wavetank up` says; {_START}"
        if any(str(file).startswith("~") for file in missing):
            hint = f"the shell has not replaced the ~: export {VARIABLE}=$HOME/..."
        raise refused(told, reason, f"a kubeconfig file, since ${VARIABLE} names it", hint=hint)
    found: dict[str, dict[str, _Entry]] = {plural: {} for plural in LISTS}
    for file, config in read_ones.items():
        for plural, singular in LISTS.items():
            for name, value in entries(file, config, plural, singular):
                found[plural].setdefault(name, _Entry(file, value))
    currents = (str(config.get("current-context") or "") for config in read_ones.values())
    return _Merged(told, next(filter(None, currents), ""), found)


def _is_missing(file: Path) -> bool:
    try:
        file.stat()
    except FileNotFoundError:
        return True
    except OSError:  # whoever reads it is told why not
        return False
    return False


def _named(merged: _Merged, context: _Entry, context_name: str, singular: str) -> _Entry:
    """Return the cluster or the user that a context names; a context without a user is nobody's in particular."""
    name = str(context.value.get(singular) or "")
    plural = f"{singular}s"
    if not name and singular == "user":
        return _Entry(context.file, {})
    if found := merged.entries[plural].get(name):
        return found
    missing = f"the {singular} {name!r}, which is not there" if name else f"no {singular}"
    raise refused(
        merged.told,
        f"the context {context_name!r} names {missing}",
        f"a {singular} that is there",
        observed=f"its {plural}: {', '.join(merged.entries[plural]) or 'none'}",
        hint=f"is a file missing in ${VARIABLE}?",
    )


def _server(cluster: _Entry, told: str, context: str) -> str:
    server = str(cluster.value.get("server") or "")
    try:
        parts = urlsplit(server)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if usable:
        return server.rstrip("/")
    raise refused(
        told,
        f"the context {context!r} names a cluster {f'at {server!r}' if server else 'without a server'}",
        "a server like https://127.0.0.1:6443",
    )


def _with_paths(entry: _Entry, keys: tuple[str, ...]) -> Obj:
    """Return an entry whose files are where its own file means them to be."""
    folder = entry.file.absolute().parent
    value = dict(entry.value)
    for key in keys:
        if value.get(key):
            value[key] = os.path.normpath(folder / str(value[key]))
        else:
            value.pop(key, None)
    plugin = value.get("exec")
    if isinstance(plugin, dict) and os.sep in str(plugin.get("command") or ""):
        value["exec"] = {**plugin, "command": os.path.normpath(folder / plugin["command"])}
    return value


def _refuse_what_kubectl_refuses(target: Target) -> None:
    cluster, user = target.cluster, target.user
    trusted = [key for key in ("certificate-authority", "certificate-authority-data") if cluster.get(key)]
    if cluster.get("insecure-skip-tls-verify") and trusted:
        raise target.refused(
            f"it names an authority ({trusted[0]}) and says insecure-skip-tls-verify, which is no authority",
            expected="one of the two",
            hint="remove insecure-skip-tls-verify, unless you know why it is there",
        )
    for owner, keys in ((cluster, _CLUSTER_FILES), (user, _USER_FILES)):
        for key in keys:
            if f"{key}-data" in owner or key not in owner:
                continue
            if wrong := _unreadable(Path(owner[key])):
                raise target.refused(
                    f"its {key}, {owner[key]}, cannot be read: {wrong}",
                    expected="the file that the kubeconfig names",
                    command=f"ls -l {shlex.quote(str(owner[key]))}",
                    hint="write the kubeconfig anew, as the cluster's own tool does",
                )
    certificate = user.get("client-certificate") or user.get("client-certificate-data")
    if certificate and not (user.get("client-key") or user.get("client-key-data")):
        raise target.refused(
            f"the user {target.user_name!r} has a client-certificate without a client-key", expected="both, or neither"
        )


def _unreadable(file: Path) -> str:
    """Return why a file cannot be read, else nothing; a pipe would be waited for, a device would have no end."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return "it is no ordinary file"
        with file.open("rb"):
            return ""
    except OSError as error:
        return str(error.strerror)


def _kubectl(variable: str, files: list[Path]) -> str:
    return "kubectl" if variable else f"kubectl --kubeconfig {shlex.quote(str(files[0]))}"
