"""What the learner sees: each view shows a plain model of another package, or of `widgets.models`.

    from wavetank.widgets import ClusterView
    ClusterView(lab)            # the last expression of a cell, or display(...); print(...) takes one look, in words

A view draws and passes clicks on; that is all. It never decides anything a terminal could not: whoever has no front
end calls the same models. It never keeps the kernel waiting, never says something by colour alone, and never makes
the page fetch anything from anywhere.

Read in this order: `view` (what a view is, and the thread that draws it), `models` (what is drawn, pure), `feed` (from
the API server to a model), `rising` (from the process behind a lab), `records` (from the runs of a pipeline) and
`looking` (from what can only be asked), `style`, `shells`, `controls`, `charts`, `curves`, `dots`, `stack` and `graph`
(pieces of a page), then the views.
"""

from wavetank.widgets.autoscale import AutoscaleView
from wavetank.widgets.certificates import Certificates
from wavetank.widgets.check import Check
from wavetank.widgets.cluster import ClusterView
from wavetank.widgets.cluster_up import ClusterUp
from wavetank.widgets.costmeter import CostMeter
from wavetank.widgets.doctor import Doctor
from wavetank.widgets.events import EventView
from wavetank.widgets.faults import FaultPanel
from wavetank.widgets.image import ImageView
from wavetank.widgets.isolation import IsolationView
from wavetank.widgets.load import LoadPanel
from wavetank.widgets.pipeline import PipelineView
from wavetank.widgets.predict import Predict
from wavetank.widgets.progress import Progress
from wavetank.widgets.real import WhatIsReal
from wavetank.widgets.revisions import RevisionView
from wavetank.widgets.rollout import RolloutView
from wavetank.widgets.shift import TrafficShift
from wavetank.widgets.starts import StartTimes
from wavetank.widgets.topology import Topology
from wavetank.widgets.traces import TraceView

__all__ = [
    "AutoscaleView",
    "Certificates",
    "Check",
    "ClusterUp",
    "ClusterView",
    "CostMeter",
    "Doctor",
    "EventView",
    "FaultPanel",
    "ImageView",
    "IsolationView",
    "LoadPanel",
    "PipelineView",
    "Predict",
    "Progress",
    "RevisionView",
    "RolloutView",
    "StartTimes",
    "Topology",
    "TraceView",
    "TrafficShift",
    "WhatIsReal",
]
