"""Thin help over the official client: what every other part says to a cluster, it says through here.

Objects are plain dicts as the API returns them. Waiting is done on watches and always has a bound. What an object means
(why a pod is not ready, where a rollout stands) is read by pure functions in `pods` and `rollout`.

It never knows which provider made the cluster, keeps nothing on disk, never touches a kubeconfig it was not given,
never writes to a cluster that does not say that it is Wavetank's (`mark`), and never decides what ought to be done.
"""

from wavetank.kube.connection import FIELD_MANAGER, Obj
from wavetank.kube.exec import ExecResult
from wavetank.kube.kinds import Kind
from wavetank.kube.kube import Kube
from wavetank.kube.origin import Origin
from wavetank.kube.pods import PodTrouble, default_container, explain_pod, is_over, is_ready
from wavetank.kube.proxy import HttpAnswer
from wavetank.kube.rollout import Revision, Rollout, history, rollout_state

__all__ = [
    "FIELD_MANAGER",
    "ExecResult",
    "HttpAnswer",
    "Kind",
    "Kube",
    "Obj",
    "Origin",
    "PodTrouble",
    "Revision",
    "Rollout",
    "default_container",
    "explain_pod",
    "history",
    "is_over",
    "is_ready",
    "rollout_state",
]
