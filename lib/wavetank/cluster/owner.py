"""Whose things are on an engine that several people, or several checkouts, share.

An owner is a state folder: a random id that is kept in it as long as anything on the engine carries it. Everything that
Wavetank makes there says by labels whose it is and of which cluster, and only its owner ever touches it. kind's nodes
can be given no labels: whose they are, their network says, which has their cluster's name and is made before them.
"""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import docker
from platformdirs import user_state_path

from wavetank.cluster.state import Folder
from wavetank.engine import telling

__all__ = ["BUILT", "CLUSTER", "OWNER", "WHO", "built", "forget", "has_built", "is_mine", "labels", "own_id", "who"]

CLUSTER = "dev.wavetank.cluster"
"""The label whose value is what its owner calls the cluster."""

OWNER = "dev.wavetank.owner"
"""The label whose value is the owner's id."""

WHO = "dev.wavetank.who"
"""The label, on networks, that tells a reader who the owner is."""

BUILT = "dev.wavetank.build"
"""The label, on images, of what was built on the engine in a lab: owner and cluster, as ``id/name``.

One label: engines make a step of each, and the last one alone is left out of an image's history
(`wavetank.images.reproducible`), so that the same recipe makes the same image.
"""

_ID_LENGTH = 16


def own_id() -> str:
    """Return this owner's id, which is made with the first thing that needs it."""
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while not (known := _read_id()):
        draft = path.with_name(f".owner.{os.getpid()}.{uuid.uuid4().hex}")
        draft.write_text(f"{uuid.uuid4().hex[:_ID_LENGTH]}\n", encoding="utf-8")
        with suppress(FileExistsError):  # another process was quicker
            os.link(draft, path)  # whole from the beginning, and never over one that is there
        draft.unlink()
    return known


def labels(cluster: str, owner: str = "") -> dict[str, str]:
    """Return the labels of what belongs to a cluster of ``owner``'s, by default this one's."""
    return {CLUSTER: cluster, OWNER: owner or own_id()}


def built(cluster: str, owner: str = "") -> dict[str, str]:
    """Return the label of what is built for a cluster of ``owner``'s, by default this one's."""
    return {BUILT: f"{owner or own_id()}/{cluster}"}


def has_built(found: Mapping[str, str] | None, cluster: str = "") -> bool:
    """Tell by its labels whether this owner has built an image, for any cluster or for ``cluster``."""
    owner, _, built_for = (found or {}).get(BUILT, "").partition("/")
    return bool(owner) and owner == _read_id() and cluster in ("", built_for)


def is_mine(found: Mapping[str, str] | None) -> bool:
    """Tell by its labels whether something on the engine is this owner's.

    Before there were owners only the cluster's name was written: such a thing is whose state knows the cluster.
    """
    found = found or {}
    if OWNER in found:
        return found[OWNER] == _read_id()
    return CLUSTER in found and _is_from_before(Folder(found[CLUSTER]))


def who() -> str:
    """Return in a reader's words who this owner is."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number that has no name
        user = str(os.getuid())
    return f"{user}, {user_state_path('wavetank')}"


def forget(client: docker.DockerClient) -> None:
    """Remove the id if nothing on the engine carries it any more."""
    known = _read_id()
    if not known:
        return
    carried = {"label": f"{OWNER}={known}"}
    with telling("looking for what else is this owner's"):
        left = (
            client.networks.list(filters=carried)
            or client.volumes.list(filters=carried)
            or client.api.containers(all=True, filters=carried)
            or any(has_built(each.get("Labels")) for each in client.api.images(all=True, filters={"label": BUILT}))
        )
    if not left:
        _path().unlink(missing_ok=True)


def _is_from_before(folder: Folder) -> bool:
    try:
        return not json.loads(folder.berth.read_text(encoding="utf-8"))["owner"]
    except OSError:
        return folder.path.is_dir()
    except (ValueError, KeyError, TypeError):  # it has been written since there are owners
        return False


def _path() -> Path:
    return user_state_path("wavetank") / "owner"


def _read_id() -> str:
    try:
        return _path().read_text(encoding="utf-8").strip()
    except OSError:
        return ""
