"""One Deployment's rollout: which templates there are, and how many pods of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wavetank.kube import Obj, Revision, Rollout, application_container, history, rollout_state
from wavetank.widgets.models.change import Change, merged
from wavetank.widgets.models.pods import tag

__all__ = ["RolloutPicture", "after", "version"]


@dataclass(frozen=True, slots=True)
class RolloutPicture:
    """The Deployment called ``name`` (once it is there) among the namespace's, with the ReplicaSets it has made."""

    name: str
    deployments: Mapping[str, Obj] = field(default_factory=dict)
    replica_sets: Mapping[str, Obj] = field(default_factory=dict)

    @property
    def rollout(self) -> Rollout | None:
        """Where the rollout stands; None while there is no such Deployment."""
        deployment = self.deployments.get(self.name)
        return rollout_state(deployment) if deployment else None

    @property
    def revisions(self) -> list[Revision]:
        """The templates with pods, and the newest even without, newest first."""
        deployment = self.deployments.get(self.name)
        if deployment is None:
            return []
        newest_first = history(deployment, self.replica_sets.values())[::-1]
        return [revision for index, revision in enumerate(newest_first) if index == 0 or revision.replicas]

    def text(self) -> str:
        """Return the rollout in words."""
        rollout = self.rollout
        if rollout is None:
            return f"no deployment {self.name}"
        lines = [f"  revision {r.number} ({version(r)}): {r.ready} of {r.replicas} pods ready" for r in self.revisions]
        return "\n".join([str(rollout), *lines])


def after(picture: RolloutPicture, change: Change) -> RolloutPicture:
    """Return the picture after ``change``; kinds it does not know leave it as it is."""
    match change.kind:
        case "Deployment":
            return replace(picture, deployments=merged(picture.deployments, change, dict))
        case "ReplicaSet":
            return replace(picture, replica_sets=merged(picture.replica_sets, change, dict))
        case _:
            return picture


def version(revision: Revision) -> str:
    """Return the tag of the revision's image."""
    return tag(application_container(revision.template).get("image", "")) if revision.images else ""
