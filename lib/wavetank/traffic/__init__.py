"""Traffic: loads that hit an application on schedule, and what they measured.

A `Load` says how many requests a second go where, along which profile, and for how long. As the custom resource Load it
is run in the cluster by a pod of its own; `start_load` creates one and the `LoadRun` it returns follows, sums up and
stops it. `LoadSeries` is the growing model that charts draw.

Read in this order: `profile` (when each request is due), `generator` (sends them), `histogram` and `record` (what is
measured, as text), `pod` (the process in the load pod), `resource` and `manifest` (Load and pod as Kubernetes
objects), `run` and `series` (the notebook's side), `here` (a load without a cluster).

It never runs a load without an end, never sends anywhere but to a Service of the load's own namespace or to a container
on this machine's loopback, and never touches the cluster except through the Kubernetes API.
"""

from __future__ import annotations

from wavetank.traffic.ask import Answer, Answers, Question, ask
from wavetank.traffic.profile import PROFILES, Day, Profile, Ramp, Spike, Steady, Trace
from wavetank.traffic.record import Second, Summary
from wavetank.traffic.resource import Load, LoadStatus, Target
from wavetank.traffic.run import LoadRun, list_loads, start_load
from wavetank.traffic.series import LoadSeries, Mark

__all__ = [
    "PROFILES",
    "Answer",
    "Answers",
    "Day",
    "Load",
    "LoadRun",
    "LoadSeries",
    "LoadStatus",
    "Mark",
    "Profile",
    "Question",
    "Ramp",
    "Second",
    "Spike",
    "Steady",
    "Summary",
    "Target",
    "Trace",
    "ask",
    "list_loads",
    "start_load",
]
