"""Knative, as it is: revisions and their traffic, the autoscaler's figures, cold starts taken apart, events and ends.

    from wavetank.observe.serverless import look, samples, watch_events
    look(kube, "tidewater", "tides")                            # revisions, shares, replicas, and what is wrong
    samples(kube, "tidewater", "tides", "http://127.0.0.1:8081")    # ten cold starts, each from zero
    events = watch_events(kube, "tidewater", "default")
    events.mark(); ...; events.look()                           # what became of each event since then

Read in this order: `conditions` (what Knative says of its objects), `unready` (that in words), `revisions`; `scrape`
(metrics as text), `autoscaler` (the figures that pods follow from); `coldstart` (moments and parts) and `measuring`
(how they are got); `tallies` (what became of how many events) and `events` (brokers and triggers); `client`;
`subscribed` (until events go where a changed broker says) and `verdict` (until a change is ready, or cannot be).

It never changes anything in the cluster; a cold start is one request, sent by whoever asks for it.
"""

from wavetank.observe.serverless.autoscaler import Figures, Windows, figures
from wavetank.observe.serverless.client import EventWatch, look, read_windows, watch_events
from wavetank.observe.serverless.coldstart import PARTS, ColdStart, ColdStarts
from wavetank.observe.serverless.events import BrokerState, TriggerState
from wavetank.observe.serverless.measuring import measure, samples
from wavetank.observe.serverless.revisions import RevisionState, Serving, Tag
from wavetank.observe.serverless.subscribed import await_subscriptions
from wavetank.observe.serverless.tallies import Counts
from wavetank.observe.serverless.verdict import await_verdict

__all__ = [
    "PARTS",
    "BrokerState",
    "ColdStart",
    "ColdStarts",
    "Counts",
    "EventWatch",
    "Figures",
    "RevisionState",
    "Serving",
    "Tag",
    "TriggerState",
    "Windows",
    "await_subscriptions",
    "await_verdict",
    "figures",
    "look",
    "measure",
    "read_windows",
    "samples",
    "watch_events",
]
