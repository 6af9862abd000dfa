"""What this lab looks at that lab.yaml's own words do not cover: one truth, and two behaviours."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial

from wavetank.document import load_document
from wavetank.errors import InputError
from wavetank.kube import application_port
from wavetank.lesson import Bench, CheckResult
from wavetank.observe.traces import Query, wait_for_traces

COUNTED = re.compile(r'^http_requests_total\{.*path="([^"]*)",status="(\d+)"\} (\d+)$', re.MULTILINE)
FOUND = {
    "type": "object",
    "required": ["caller", "called", "milliseconds"],
    "additionalProperties": False,
    "properties": {
        "caller": {"type": ["string", "null"], "description": "the service that calls"},
        "called": {"type": ["string", "null"], "description": "the service that is called"},
        "milliseconds": {"type": ["number", "null"], "description": "how long the hop takes by itself, in ms"},
    },
}
IN_VAIN = 0.15  # of the bookings: each pod of booking has to see some errors of payment's sick one before it knows
CLOSE = 0.3  # the share by which the milliseconds may be off: traces differ from each other


def what_payment_gets(bench: Bench) -> float:
    """Return how many requests payment has refused for each booking that a passenger has seen fail."""
    bookings = _answered(bench, "web", "/api/bookings")
    if not bookings:
        raise InputError("nobody has tried to book", expected="a load of bookings while payment is down")
    return round(_answered(bench, "payment", "/payments") / bookings, 1)


def the_sick_one_is_left_alone(bench: Bench) -> CheckResult:
    """Make bookings while a pod of payment is sick, and count how often it is asked: trying again is no answer here."""
    before = _answered(bench, "payment", "/payments")
    booked = bench.load("book", {"fault": "sick-payment"}).to_the_end()
    in_vain = _answered(bench, "payment", "/payments") - before
    return CheckResult(
        in_vain <= IN_VAIN * booked.sent,
        claim="the pod that answers with errors is left alone",
        saw=f"payment answered {in_vain} requests with an error while {booked.sent} bookings were made",
        expected=f"at most {IN_VAIN * booked.sent:.0f}: once the mesh has noticed, only the other pod is asked",
        look=bench.kubectl("get", "destinationrules", "-o", "yaml"),
    )


def _answered(bench: Bench, app: str, path: str) -> int:
    """Return how many requests for ``path`` the pods of ``app`` say that they have answered with an error."""
    total, services = 0, bench.kube.list("Service", bench.namespace)
    for pod in bench.pods({"app": app}):
        target = f"pod:{pod['metadata']['name']}:{application_port(pod, services)}"
        text = bench.kube.request(target, "/metrics", bench.namespace).text
        total += sum(int(n) for asked, status, n in COUNTED.findall(text) if asked == path and status >= "500")
    return total


def the_slow_hop_is_found(bench: Bench) -> CheckResult:
    """Make bookings slow, and hold what the learner has written against the traces of some bookings."""
    (file,) = bench.lab.exercise("slow-hop").files
    said = load_document(bench.images.file(file.learner), FOUND).data
    result = partial(
        CheckResult,
        claim="the slow hop of a booking is found",
        expected="caller and called of the hop that takes longest by itself, and its milliseconds",
        look='TraceView(lab, "web") in the notebook',
    )
    if None in said.values():
        missing = ", ".join(name for name, value in said.items() if value is None)
        return result(False, saw=f"{file.name} does not say yet: {missing}")

    began = datetime.now(UTC)
    bench.fault("somewhere-slow")
    bench.load("book-a-little").to_the_end()
    query = Query(f"web.{bench.namespace}", since=began, slowest=True)
    bench.say("waiting up to 30 s: the traces of these bookings")
    trace, *_ = wait_for_traces(bench.kube, query, lambda trace: "payment" in trace.services and not trace.lost)
    hop = trace.slowest
    saw = f"{said['caller']} calls {said['called']}, {said['milliseconds']:g} ms, is not what the traces say"
    right = (said["caller"], said["called"]) == (hop.span.app, hop.span.called)
    near = abs(said["milliseconds"] - hop.own) <= CLOSE * hop.own
    if right and near:
        return result(True, saw=f"{hop.words}, {hop.own:.0f} ms by itself")
    return result(False, saw=saw if not right else f"{said['milliseconds']:g} ms, and the trace says something else")
