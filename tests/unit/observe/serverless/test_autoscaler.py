"""The autoscaler's figures as its metrics tell them, and its windows as they are set."""

from __future__ import annotations

import pytest
from tests.support.knative import NAMESPACE, Knative, autoscaler

from wavetank.errors import NotSupportedError
from wavetank.observe.serverless.autoscaler import Figures, Windows, figures, figures_of, windows_of

LABELS = (
    '{k8s_namespace_name="tidewater",kn_configuration_name="tides",kn_revision_name="tides-00001",'
    'kn_service_name="tides",otel_scope_name="knative.dev/serving/pkg/autoscaler",otel_scope_version=""}'
)
SAID = f"""\
# HELP kn_revision_concurrency_panic Average of request count per observed pod over the panic window
# TYPE kn_revision_concurrency_panic gauge
kn_revision_concurrency_panic{LABELS} 23.5
kn_revision_concurrency_stable{LABELS} 4.25
kn_revision_concurrency_target{LABELS} 7
kn_revision_panic_mode{LABELS} 1
kn_revision_capacity_excess{LABELS} -204
kn_revision_pods_desired{LABELS} 4
kn_revision_pods_requested{LABELS} 4
kn_revision_pods_count{LABELS} 2
kn_revision_pods_pending_count{LABELS} 1
go_memory_used_bytes 1.5e+07
"""
QUEUED = 'kn_revision_request_queued{k8s_namespace_name="tidewater",kn_revision_name="tides-00001"} 12\n'


def test_figures_are_read_by_revision() -> None:
    told = figures_of(SAID, NAMESPACE)["tides-00001"]
    assert (told.metric, told.stable, told.panic, told.target) == ("concurrency", 4.25, 23.5, 7)
    assert (told.panicking, told.excess, told.desired) == (True, -204, 4)
    assert told.pods == {"desired": 4, "requested": 4, "ready": 2, "pending": 1}


def test_other_namespaces_are_none_of_ours() -> None:
    assert figures_of(SAID, "elsewhere") == {}


def test_requests_a_second_are_another_metric() -> None:
    said = "".join(
        f"kn_revision_rps_{name}_per_second{LABELS} {value}\n"
        for name, value in (("stable", 30), ("panic", 60), ("target", 20))
    )
    told = figures_of(said, NAMESPACE)["tides-00001"]
    assert (told.metric, told.stable, told.panic, told.target) == ("rps", 30, 60, 20)
    assert str(told) == (
        "30.0 requests a second over the stable window, 60.0 over the panic window, target 20.0 a pod, calm"
    )


def test_they_are_told_in_words() -> None:
    assert str(figures_of(SAID + QUEUED, NAMESPACE)["tides-00001"]) == (
        "4.2 requests at once over the stable window, 23.5 over the panic window, target 7.0 a pod, in panic; "
        "12 requests wait in the activator"
    )
    assert str(Figures()) == "the autoscaler has not measured anything yet"


def test_windows_are_a_revisions_own_else_everybodys_else_the_default() -> None:
    own = {
        "autoscaling.knative.dev/window": "6s",
        "autoscaling.knative.dev/panic-window-percentage": "50",
        "autoscaling.knative.dev/panic-threshold-percentage": "150.0",
    }
    assert windows_of(autoscaler("tides-00001", 1, 1, annotations=own), {"stable-window": "30s"}) == Windows(6, 3, 1.5)
    assert windows_of(autoscaler("tides-00001", 1, 1), {"stable-window": "30s"}) == Windows(30, 3, 2)
    assert windows_of(None, {}) == Windows(60, 6, 2)


def test_autoscaler_and_activators_are_asked_and_what_waits_is_added(knative: Knative) -> None:
    knative.tell("knative-serving", "autoscaler-1", {"app": "autoscaler"}, SAID)
    knative.tell("knative-serving", "activator-1", {"app": "activator"}, QUEUED)
    knative.tell("knative-serving", "activator-2", {"app": "activator"}, QUEUED)
    told = figures(knative.kube, NAMESPACE)["tides-00001"]
    assert (told.stable, told.queued) == (4.25, 24)


def test_an_activator_that_is_away_does_not_matter(knative: Knative) -> None:
    knative.tell("knative-serving", "autoscaler-1", {"app": "autoscaler"}, SAID)
    assert figures(knative.kube, NAMESPACE)["tides-00001"].queued == 0


def test_an_autoscaler_that_tells_no_metrics_is_an_error_that_says_how_it_would(knative: Knative) -> None:
    knative.tell("knative-serving", "autoscaler-1", {"app": "autoscaler"}, SAID, port=8080)
    with pytest.raises(NotSupportedError, match="autoscaler does not say") as error:
        figures(knative.kube, NAMESPACE)
    assert "metrics-protocol: prometheus" in error.value.help.hint
