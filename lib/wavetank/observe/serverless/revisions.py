"""A Knative Service as it is: its revisions, which share of the traffic each gets, and why one is not ready. Pure.

A Service makes a revision of each of its templates, its Route shares the traffic out among them, and each revision has
an autoscaler of its own. Formats: serving.knative.dev/v1 and autoscaling.internal.knative.dev/v1alpha1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from wavetank.kube import Obj, is_ready
from wavetank.observe.columns import columns
from wavetank.observe.serverless.conditions import condition, in_words, readiness
from wavetank.observe.serverless.unready import state_in_words

__all__ = [
    "POD_AUTOSCALER",
    "REVISION",
    "REVISION_LABEL",
    "ROUTE",
    "SERVICE",
    "SERVICE_LABEL",
    "Found",
    "RevisionState",
    "Serving",
    "Tag",
    "serving_of",
]

SERVICE = ("serving.knative.dev/v1", "Service")
ROUTE = ("serving.knative.dev/v1", "Route")
REVISION = ("serving.knative.dev/v1", "Revision")
POD_AUTOSCALER = ("autoscaling.internal.knative.dev/v1alpha1", "PodAutoscaler")

SERVICE_LABEL = "serving.knative.dev/service"
REVISION_LABEL = "serving.knative.dev/revision"
_GENERATION_LABEL = "serving.knative.dev/configurationGeneration"
_LEAST, _MOST = "autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/max-scale"
_ALL = 100


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of one Service: ``service`` and ``route`` are None while they are not there."""

    service: Obj | None = None
    route: Obj | None = None
    revisions: Sequence[Obj] = ()
    autoscalers: Sequence[Obj] = ()
    pods: Sequence[Obj] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """A name that leads to one revision, at an address of its own (empty while it has none)."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class RevisionState:
    """One revision.

    It gets ``percent`` of the traffic. ``ready`` is None while that is not decided; ``words`` say how it is, and why
    it is not ready. ``wanted`` and ``actual`` are replicas as its autoscaler has them, None before it has any number;
    ``pods`` are there and not being ended, so many of them ready. It may have from ``least`` to ``most`` pods
    (0: as many as are needed), and each takes so many requests at once (0: any number).
    """

    name: str
    number: int
    ready: bool | None
    words: str
    percent: int = 0
    tags: tuple[Tag, ...] = ()
    wanted: int | None = None
    actual: int | None = None
    pods: int = 0
    ready_pods: int = 0
    least: int = 0
    most: int = 0
    concurrency: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Serving:
    """A Knative Service: its revisions, newest first, and what is wrong with it, in words."""

    service: str
    namespace: str
    url: str = ""
    latest_created: str = ""
    latest_ready: str = ""
    revisions: tuple[RevisionState, ...] = ()
    trouble: tuple[str, ...] = ()

    @property
    def split(self) -> dict[str, int]:
        """Who gets traffic, and how many per cent of it."""
        return {revision.name: revision.percent for revision in self.revisions if revision.percent}

    @property
    def adds_up(self) -> bool:
        """Whether the shares are 100 per cent together."""
        return sum(self.split.values()) == _ALL

    def revision(self, name: str) -> RevisionState | None:
        """Return one revision, None when there is no such one."""
        return next((revision for revision in self.revisions if revision.name == name), None)

    def __repr__(self) -> str:
        if not self.revisions:
            return "\n".join([f"{self.service}: no revision yet", *self.trouble])
        head = ("revision", "traffic", "wanted", "there", "ready", "tags", "state")
        rows = [_cells(revision) for revision in self.revisions]
        return "\n".join([columns(head, rows, words=(0, 5, 6)), *self.trouble])

    __str__ = __repr__


def serving_of(name: str, namespace: str, found: Found) -> Serving:
    """Return the Service ``name`` as it is in what was ``found``."""
    status = (found.service or {}).get("status") or {}
    traffic = ((found.route or {}).get("status") or {}).get("traffic") or ()
    autoscalers = {autoscaler["metadata"]["name"]: autoscaler for autoscaler in found.autoscalers}
    revisions = [
        _revision(revision, autoscalers.get(revision["metadata"]["name"]), found.pods, traffic)
        for revision in found.revisions
    ]
    serving = Serving(
        name,
        namespace,
        url=status.get("url", ""),
        latest_created=status.get("latestCreatedRevisionName", ""),
        latest_ready=status.get("latestReadyRevisionName", ""),
        revisions=tuple(sorted(revisions, key=lambda revision: revision.number, reverse=True)),
    )
    return replace(serving, trouble=tuple(_trouble(serving, found)))


def _revision(revision: Obj, autoscaler: Obj | None, pods: Iterable[Obj], traffic: Sequence[Obj]) -> RevisionState:
    metadata, name = revision["metadata"], revision["metadata"]["name"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    own = [pod for pod in pods if _is_of(pod, name)]
    shares = [target for target in traffic if target.get("revisionName") == name]
    scale = (autoscaler or {}).get("status") or {}
    return RevisionState(
        name,
        number=int(labels.get(_GENERATION_LABEL, 0)),
        ready=readiness(revision).holds,
        words=state_in_words(revision, autoscaler, own),
        percent=sum(target.get("percent") or 0 for target in shares),
        tags=tuple(Tag(target["tag"], target.get("url", "")) for target in shares if target.get("tag")),
        wanted=_known(scale.get("desiredScale")),
        actual=_known(scale.get("actualScale")),
        pods=len(own),
        ready_pods=sum(map(is_ready, own)),
        least=int(annotations.get(_LEAST, 0)),
        most=int(annotations.get(_MOST, 0)),
        concurrency=revision["spec"].get("containerConcurrency") or 0,
    )


def _is_of(pod: Obj, revision: str) -> bool:
    metadata = pod["metadata"]
    return (metadata.get("labels") or {}).get(REVISION_LABEL) == revision and "deletionTimestamp" not in metadata


def _known(scale: int | None) -> int | None:
    """Return a scale of the autoscaler, which writes -1 for one that it does not know."""
    return None if scale is None or scale < 0 else scale


def _trouble(serving: Serving, found: Found) -> Iterator[str]:
    if found.service is None:
        yield f"There is no Knative Service {serving.service} in {serving.namespace}."
        return
    newest = serving.revision(serving.latest_created)
    waits = newest is not None and not newest.ready and newest.name != serving.latest_ready
    if newest and waits:
        yield f"{newest.name} is not ready: {newest.words}. {_stays(serving)}"
    made = condition(found.service, "ConfigurationsReady")
    if made and made.holds is False and not waits:  # a revision that could not even be made
        yield f"The latest template is not served: {in_words(made)}."
    for type_ in ("AllTrafficAssigned", "IngressReady"):
        said = condition(found.route, type_)
        if said and not said.holds and not (waits and said.reason == "RevisionMissing"):
            yield f"The route is not as it should be: {in_words(said)}"
    if serving.split and not serving.adds_up:
        shares = " and ".join(f"{percent} %" for percent in serving.split.values())
        yield f"The split does not add up: {shares} are {sum(serving.split.values())} %, not {_ALL} %."


def _stays(serving: Serving) -> str:
    """Say who goes on to serve while a new revision is not ready."""
    if not serving.split:
        return "No other revision serves yet."
    shares = ", ".join(f"{name} {percent} %" for name, percent in serving.split.items())
    return f"Traffic stays where it was: {shares}."


def _cells(revision: RevisionState) -> tuple[str, ...]:
    numbers = ("-" if number is None else f"{number}" for number in (revision.wanted, revision.actual))
    tags = ", ".join(tag.name for tag in revision.tags)
    ready = f"{revision.ready_pods} of {revision.pods}"
    return (revision.name, f"{revision.percent} %", *numbers, ready, tags, revision.words)
