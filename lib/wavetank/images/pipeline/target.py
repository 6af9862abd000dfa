"""The Deployment a pipeline ships to: which bytes it runs, and giving it others as a rolling update."""

from __future__ import annotations

from wavetank.errors import KubeError, NotFoundError
from wavetank.images.model import repository_of
from wavetank.kube import Kube, Obj
from wavetank.kube.application import candidates

__all__ = ["Target"]

_CAUSE = "kubernetes.io/change-cause"


class Target:
    """One container of one Deployment. Raises `NotFoundError` when there is no such thing."""

    def __init__(self, kube: Kube, namespace: str, deployment: str, container: str = "") -> None:
        self._kube, self._namespace, self.deployment = kube, namespace, deployment
        self._container = container or self._only_container()

    def running(self) -> str:
        """Return the image it runs: by digest, as its ready pods report it, else as its template names it.

        A tag in the template may mean other bytes by now than when the pods were started; what a pod reports cannot.
        """
        deployment = self._kube.get("Deployment", self.deployment, self._namespace)
        wanted = str(self._find(deployment["spec"]["template"]["spec"]["containers"])["image"])
        if "@" in wanted:
            return wanted
        labels = deployment["spec"]["selector"].get("matchLabels", {})
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        reported = set()
        for pod in self._kube.list("Pod", self._namespace, selector):
            if "deletionTimestamp" in pod["metadata"]:
                continue  # an old one that still serves while it ends
            for status in pod.get("status", {}).get("containerStatuses") or ():
                if status["name"] == self._container and status.get("ready"):
                    reported.add(str(status.get("imageID", "")).partition("@")[2])
        # An image that came with the cluster is reported by its id alone, which no registry knows.
        digest = reported.pop() if len(reported) == 1 else ""
        return f"{repository_of(wanted)}@{digest}" if digest else wanted

    def release(self, image: str, cause: str) -> None:
        """Have it run ``image`` from now on; the rolling update that follows is the cluster's business."""
        patch = {
            "metadata": {"annotations": {_CAUSE: cause}},
            "spec": {"template": {"spec": {"containers": [{"name": self._container, "image": image}]}}},
        }
        self._kube.patch("Deployment", self.deployment, self._namespace, patch, type="strategic")

    def roll_to(self, image: str, cause: str, within: float) -> str:
        """Have it run ``image`` and return, in words, how that went, once every pod does.

        Raises `KubeError` with the pod to blame when the rollout stops or takes longer than ``within`` seconds.
        """
        self.release(image, cause)
        return self._kube.rollout(self.deployment, self._namespace, timeout=within).words

    def _only_container(self) -> str:
        template = self._kube.get("Deployment", self.deployment, self._namespace)["spec"]["template"]
        services = self._kube.list("Service", self._namespace)
        names = [str(container["name"]) for container in candidates(template, services)]
        if len(names) != 1:
            raise KubeError(
                f"which container of {self.deployment} gets the image?",
                observed=", ".join(names),
                expected="deploy/container in the pipeline's file",
            )
        return names[0]

    def _find(self, containers: list[Obj]) -> Obj:
        for container in containers:
            if container["name"] == self._container:
                return container
        raise NotFoundError(
            f"deployment {self.deployment} has no container {self._container}",
            observed=", ".join(str(container["name"]) for container in containers),
        )
