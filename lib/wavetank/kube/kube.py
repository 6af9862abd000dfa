"""`Kube`: everything this package does, as one object to pass around."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from wavetank.errors import KubeError, NotFoundError
from wavetank.kube import diagnose, proxy, wait, watch
from wavetank.kube.apply import apply, delete
from wavetank.kube.client import Client
from wavetank.kube.connection import Obj
from wavetank.kube.exec import ExecResult, exec_in_pod
from wavetank.kube.kinds import Kind
from wavetank.kube.logs import follow_logs, logs
from wavetank.kube.manifest import Manifest
from wavetank.kube.pending import Pending, pending
from wavetank.kube.pods import PodTrouble
from wavetank.kube.rollout import Revision, Rollout, history, rollout_state, undo_patch

__all__ = ["Kube"]

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


class Kube(Client):
    """The API of one cluster, with the help this project needs. Safe to use from several threads.

    Make one with ``Kube.connect(kubeconfig)``.
    """

    def apply(
        self, manifest: Manifest, *, namespace: str = "default", force: bool = True, enforce_namespace: bool = False
    ) -> builtins.list[Obj]:
        """Apply every object of ``manifest`` on the server and return them as stored; see `wavetank.kube.apply`."""
        return apply(self, manifest, namespace, force=force, enforce_namespace=enforce_namespace)

    def pending(
        self, manifest: Manifest, *, namespace: str = "default", enforce_namespace: bool = False
    ) -> Iterator[Pending]:
        """Yield what applying ``manifest`` would change; see `wavetank.kube.pending`."""
        return pending(self, manifest, namespace, enforce_namespace=enforce_namespace)

    def delete(self, manifest: Manifest, *, namespace: str = "default", wait: float | None = None) -> None:
        """Delete every object of ``manifest``, waiting up to ``wait`` seconds until gone; missing is fine."""
        delete(self, manifest, namespace, wait=wait)

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        selector: str = "",
        fields: str = "",
        *,
        timeout: float | None = 60.0,
        stop: threading.Event | None = None,
        resume: bool = False,
    ) -> Iterator[watch.Change]:
        """Yield what there is as ``("ADDED", obj)``, then every change, for ``timeout`` seconds or until ``stop``.

        Nothing is asked before the first change is taken. An API server that stays away for 10 s raises
        `UnreachableError`; with ``resume`` it is waited for instead, and told: ``("LOST", {"message": why})``, then
        ``("BACK", {})`` and what has changed meanwhile.
        """
        told = watch.changes(self, kind, namespace, selector, fields, timeout=timeout, stop=stop, resume=resume)
        return (change for change in told if change[0] != watch.SYNCED)

    def wait_for(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        condition: wait.Condition | str,
        *,
        timeout: float = 60.0,
        waiting_for: str = "",
    ) -> Obj:
        """Return the object ``name`` (or the first that the selector ``app=web`` finds) once it meets ``condition``.

        ``condition`` is a function of the object or None, or a status condition's type ("Ready"). Raises
        `WaitTimeoutError` with what was last observed; see `wavetank.kube.wait`.
        """
        return wait.wait_for(self, kind, name, namespace, condition, timeout=timeout, waiting_for=waiting_for)

    def rollout(self, name: str, namespace: str, timeout: float = 120.0) -> Rollout:
        """Wait until the rollout of a Deployment is done and return it.

        Raises `KubeError` with the pod to blame when it passes its progress deadline, `WaitTimeoutError` after
        ``timeout`` seconds.
        """
        deployment = self.get("Deployment", name, namespace)

        def ended(obj: Obj | None) -> bool:
            return obj is not None and (rollout_state(obj).done or rollout_state(obj).failed)

        words = f"the rollout of {name}"
        deployment = self.wait_for("Deployment", name, namespace, ended, timeout=timeout, waiting_for=words)
        state = rollout_state(deployment)
        if state.failed:
            trouble = diagnose.trouble_of(self, deployment)
            raise KubeError(
                f"the rollout of {name} has stopped: {state.words}",
                observed=f"pod {trouble.pod} {trouble.reason}" if trouble else diagnose.status_words(deployment),
                logs=trouble.logs if trouble else (),
                command=self.connection.kubectl("-n", namespace, "describe", "deployment", name),
                hint=f"mend the manifest and apply it again, or: kubectl -n {namespace} rollout undo deployment/{name}",
            )
        return state

    def rollout_restart(self, name: str, namespace: str) -> Obj:
        """Replace every pod of a Deployment by its own rollout, as ``kubectl rollout restart`` does."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        patch = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: now}}}}}
        return self.patch("Deployment", name, namespace, patch)

    def rollout_history(self, name: str, namespace: str) -> builtins.list[Revision]:
        """Return the templates a Deployment has had and still keeps, oldest first."""
        return history(self.get("Deployment", name, namespace), self.list("ReplicaSet", namespace))

    def rollout_undo(self, name: str, namespace: str, to: int | None = None) -> Obj:
        """Put back the template of revision ``to`` (default: the one before); the server then rolls it out."""
        revisions = self.rollout_history(name, namespace)
        patch = undo_patch(revisions, to)
        if patch is None:
            raise NotFoundError(
                f"deployment {name} has no revision {to or 'before this one'} to go back to",
                observed=f"revisions {', '.join(str(revision.number) for revision in revisions) or 'none'}",
            )
        return self.patch("Deployment", name, namespace, patch, type="json")

    def scale(self, name: str, namespace: str, replicas: int) -> None:
        """Set how many pods a Deployment is to have."""
        self.patch("Deployment", name, namespace, {"spec": {"replicas": replicas}}, subresource="scale")

    def logs(
        self, pod: str, namespace: str, container: str | None = None, tail: int | None = None, previous: bool = False
    ) -> str:
        """Return a container's log, or its last ``tail`` lines; ``previous`` is the run before its last restart."""
        return logs(self, pod, namespace, container, tail, previous)

    def follow_logs(
        self,
        pod: str,
        namespace: str,
        container: str | None = None,
        stop: threading.Event | None = None,
        *,
        silence: float | None = None,
    ) -> Iterator[str]:
        """Yield a container's log line by line as it grows; see `wavetank.kube.logs.follow_logs`."""
        return follow_logs(self, pod, namespace, container, stop, silence=silence)

    def exec(
        self,
        pod: str,
        namespace: str,
        command: builtins.list[str],
        *,
        container: str | None = None,
        timeout: float = 30.0,
    ) -> ExecResult:
        """Run ``command`` (no shell) in a container and return its exit code, stdout and stderr."""
        return exec_in_pod(self, pod, namespace, command, container=container, timeout=timeout)

    def request(
        self,
        target: str,
        path: str,
        namespace: str,
        *,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> proxy.HttpAnswer:
        """Send HTTP to ``service:NAME:PORT``, or from within to ``pod:NAME:PORT``; see `wavetank.kube.proxy`."""
        return proxy.request(self, target, path, namespace, method=method, body=body, headers=headers, timeout=timeout)

    def events(self, namespace: str, about: str | None = None) -> builtins.list[Obj]:
        """Return the Events of a namespace, or those about the object named ``about``, oldest first."""
        return diagnose.events(self, namespace, about)

    def explain_pod(self, pod: Obj) -> PodTrouble:
        """Return why ``pod`` is not ready, with its last warnings and the last log lines of the container to blame."""
        return diagnose.explain(self, pod)
