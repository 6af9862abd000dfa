"""Containers that stand beside a cluster's nodes on its network: the registry and the power agent.

They carry the labels of the cluster and of its owner, so that `down` finds them, and nobody else's.
"""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from os import fdopen, pipe
from typing import TYPE_CHECKING, Any

import docker
from docker.models.containers import Container
from docker.models.volumes import Volume

from wavetank.cluster.owner import BUILT, CLUSTER, has_built, is_mine, labels
from wavetank.cluster.spec import ClusterSpec
from wavetank.engine import about, find_engine, load, telling
from wavetank.engine.finding import DEFAULT_SOCKET
from wavetank.errors import ClusterError
from wavetank.proxies import open_here

if TYPE_CHECKING:
    from wavetank.bundle import Bundle

__all__ = [
    "PREFIX",
    "containers",
    "ensure_base",
    "ensure_images",
    "registry_address",
    "remove",
    "remove_images",
    "run_power_agent",
    "run_registry",
]

GIVEN = "dev.wavetank.given"
"""The label, on a container, of the digest of the files it was given: with others it is made anew."""

PREFIX = "dev.wavetank.registry"
"""The label, on a registry's volume, whose value is what the names of its images begin with."""

REGISTRY_IMAGE = "docker.io/library/registry"
BASE_IMAGE = "wavetank.dev/python"
"""What the labs' own recipes stand on."""
START_SECONDS = 30
WAVETANK_IMAGE = "wavetank.dev/wavetank"
"""Images without their tags: which version it is, the bundle knows."""


def containers(client: docker.DockerClient, name: str) -> list[Container]:
    """Return the containers beside this owner's cluster ``name``, running or not."""
    with telling(f"looking for the containers of {name!r}"):
        found: list[Container] = client.containers.list(
            all=True, filters={"label": f"{CLUSTER}={name}"}, ignore_removed=True
        )
    return [each for each in found if is_mine(each.labels)]


def remove(container: Container) -> None:
    """Remove a container with its volumes, whatever state it is in; gone already is fine."""
    with suppress(docker.errors.NotFound):
        container.remove(force=True, v=True)


def ensure_images(client: docker.DockerClient, bundle: Bundle, refs: Sequence[str]) -> str:
    """Load those images of the bundle into the engine that it does not have; return a note."""
    missing = [ref for ref in refs if not _has(client, ref, bundle)]
    if not missing:
        return "there already"
    with telling(f"loading {', '.join(missing)} into the engine"):
        reading, writing = pipe()
        with fdopen(reading, "rb") as source:
            writer = threading.Thread(target=_write, args=(bundle, missing, writing), daemon=True)
            writer.start()
            load(client, source)
        writer.join()
    return ""


def _write(bundle: Bundle, refs: Sequence[str], descriptor: int) -> None:
    with suppress(BrokenPipeError), fdopen(descriptor, "wb") as sink:
        bundle.write_docker_archive(refs, sink)


def _has(client: docker.DockerClient, ref: str, bundle: Bundle) -> bool:
    with telling(f"looking for image {ref}"):
        try:
            # The engine names an image by its configuration or, with containerd's image store, by its manifest.
            return client.images.get(ref).id in {bundle.image(ref).config_digest, bundle.image(ref).digest}
        except docker.errors.ImageNotFound:
            return False


def _tagged(bundle: Bundle, repository: str) -> str:
    refs = [image.ref for image in bundle.images if image.ref.rpartition(":")[0] == repository]
    return refs[0] if refs else bundle.image(repository).ref  # which says that it is missing


def registry_address(spec: ClusterSpec) -> str:
    """Return where the registry answers on the cluster's own network."""
    return f"{spec.on_engine}-registry:5000"


def _names_of_registry(spec: ClusterSpec) -> list[str]:
    """Return the names by which the registry may be asked: loopback's, and its own on the cluster's network.

    A web page whose name was made to mean this machine comes with a name of its own, and is refused.
    """
    return ["localhost", "127.0.0.1", "::1", registry_address(spec).partition(":")[0]]


def ensure_base(client: docker.DockerClient, bundle: Bundle) -> str:
    """Load what the labs' own recipes stand on into the engine; return a note."""
    return ensure_images(client, bundle, [_tagged(bundle, BASE_IMAGE)])


def remove_images(client: docker.DockerClient, name: str) -> None:
    """Remove what the registry of ``name`` has stored, and from the engine what was built or is called after it."""
    with telling(f"removing the images of {name!r}"):
        for volume in _volumes(client, name):
            prefix = volume.attrs["Labels"][PREFIX] + "/"
            for image in client.images.list():
                if BUILT in image.labels and not has_built(image.labels):
                    continue  # another owner's registry has been called the same once
                for tag in image.tags:
                    if tag.startswith(prefix):
                        client.images.remove(tag, force=True)
            volume.remove()
        for image in client.images.list(all=True, filters={"label": BUILT}):
            if has_built(image.labels, name):
                _remove_image(client, str(image.id))


def _remove_image(client: docker.DockerClient, id_: str) -> None:
    try:
        client.images.remove(id_, force=True)
    except docker.errors.NotFound:  # gone with another that stood on it
        pass
    except docker.errors.APIError as error:
        if error.status_code != HTTPStatus.CONFLICT:  # else somebody runs it, or builds on it: it stays theirs
            raise


def _volumes(client: docker.DockerClient, name: str) -> list[Volume]:
    found: list[Volume] = client.volumes.list(filters={"label": f"{CLUSTER}={name}"})
    return [volume for volume in found if is_mine(volume.attrs["Labels"])]


def run_registry(client: docker.DockerClient, spec: ClusterSpec, bundle: Bundle) -> str:
    """Run an image registry on the cluster's network and on 127.0.0.1; what is pushed is in a volume of its own."""
    with telling(f"making the volume of {spec.name!r}"):
        kept = next((str(volume.name) for volume in _volumes(client, spec.name)), None)
        volume = kept or f"{spec.on_engine}-registry"
        if not kept:
            client.volumes.create(volume, labels={**labels(spec.name), PREFIX: spec.registry})
    return _run(
        client,
        bundle,
        spec,
        "registry",
        _tagged(bundle, REGISTRY_IMAGE),
        ready=lambda _: _answers(f"http://127.0.0.1:{spec.ports.registry}/v2/"),
        environment={"REGISTRY_NAMES": ",".join(_names_of_registry(spec))},
        ports={"5000/tcp": ("127.0.0.1", spec.ports.registry)},
        volumes=[f"{volume}:/var/lib/registry"],
    )


def run_power_agent(client: docker.DockerClient, spec: ClusterSpec, bundle: Bundle, kubeconfig: str) -> str:
    """Run the agent that stops and starts nodes when the cluster asks (`wavetank.cluster.power`)."""
    return _run(
        client,
        bundle,
        spec,
        "power",
        _tagged(bundle, WAVETANK_IMAGE),
        ready=lambda container: b"serving" in container.logs(tail=20),
        files={"kubeconfig": kubeconfig},
        command=["power-agent", spec.on_engine],
        environment={"KUBECONFIG": "/run/wavetank/kubeconfig"},
        # The engine's socket belongs to root, and opening it takes no capability: it is root's own.
        user="0",
        cap_drop=["ALL"],
        mem_limit="256m",
        pids_limit=64,
        # The engine's own socket, where its own machine has it, and where every engine's is expected inside.
        volumes=[f"{about(client).socket_seen_by_containers(find_engine().socket)}:{DEFAULT_SOCKET}"],
        security_opt=["label=disable", "no-new-privileges"],  # SELinux lets no other container use that socket
    )


def _run(
    client: docker.DockerClient,
    bundle: Bundle,
    spec: ClusterSpec,
    what: str,
    image: str,
    *,
    ready: Callable[[Container], bool],
    files: Mapping[str, str] | None = None,
    **settings: Any,
) -> str:
    """Have one container of this image running and ``ready``, with ``files`` (name to text) in /run/wavetank."""
    note = ensure_images(client, bundle, [image])
    name = f"{spec.on_engine}-{what}"
    with telling(f"running {name}"):
        wanted = client.images.get(image).id
        archive = _tar({f"run/wavetank/{path}": text for path, text in (files or {}).items()})
        given = sha256(archive).hexdigest()
        with suppress(docker.errors.NotFound):
            found = client.containers.get(name)
            if found.status == "running" and found.attrs["Image"] == wanted and found.labels.get(GIVEN) == given:
                return "there already"
            remove(found)
        policy: Any = {"Name": about(client).restart_policy}
        container = client.containers.create(
            image,
            name=name,
            labels={**labels(spec.name), GIVEN: given},
            network=spec.on_engine,
            restart_policy=policy,
            **settings,
        )
        if files:
            container.put_archive("/", archive)
        container.start()
    _wait(container, ready)
    return note


def _wait(container: Container, ready: Callable[[Container], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    with telling(f"waiting for {container.name}"):
        while not ready(container):
            container.reload()
            if time.monotonic() > deadline or container.attrs["RestartCount"] > 1:
                raise ClusterError(
                    f"{container.name} does not come up",
                    observed=f"it is {container.status}, started again {container.attrs['RestartCount']} times",
                    expected=f"it to be ready within {START_SECONDS} s",
                    logs=container.logs(tail=10).decode(errors="replace").splitlines(),
                    command=f"docker logs {container.name}",
                    hint="`wavetank up` again; if it stays so, `wavetank bundle build` and `wavetank down` first",
                )
            time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with open_here(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _tar(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o600
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
