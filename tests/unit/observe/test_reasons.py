"""A mesh that cannot be seen says why, first things first, with the command that mends it."""

from __future__ import annotations

from dataclasses import replace

from wavetank.observe.reasons import reasons
from wavetank.observe.roster import MeshPod, Role, Roster
from wavetank.observe.scrape import Look
from wavetank.observe.stats import ProxyStats

WEB = MeshPod("u1", "web-1", "mesh", "web", owner="deployment/web")
BARE = replace(WEB, has_proxy=False, proxy_runs=False, proxy_ready=False)


def told(
    *pods: MeshPod, labelled: bool = True, istio: bool = True, adopted: bool = False, **parts: object
) -> list[tuple[str, str]]:
    roster = Roster("mesh", pods, is_labelled=labelled, has_istio=istio, adopted=adopted)
    stats = {pod.uid: ProxyStats() for pod in pods if pod.proxy_ready}
    look = Look(0, roster, **{"stats": stats, **parts})  # type: ignore[arg-type]
    return [(reason.words, reason.command) for reason in reasons(look)]


def test_a_whole_mesh_has_no_reasons() -> None:
    assert told(WEB) == []


def test_without_istio_nothing_else_matters() -> None:
    assert told(BARE, labelled=False, istio=False) == [
        ("There is no Istio in this cluster.", "wavetank up --for 03-service-mesh")
    ]


def test_on_an_adopted_cluster_nobody_is_sent_to_make_another_one() -> None:
    ((words, command),) = told(BARE, istio=False, adopted=True)
    assert words.startswith("There is no Istio in this cluster: install Istio in this cluster (it was adopted")
    assert command == ""
    ((_, command),) = told(WEB, stats={"u1": ProxyStats(included=False)}, adopted=True)
    assert command == "kubectl -n istio-system get configmap istio -o yaml"


def test_an_empty_namespace_is_said_to_be_empty() -> None:
    assert told(labelled=False) == [("There are no pods in namespace mesh.", "kubectl -n mesh get all")]


def test_the_label_comes_before_the_restart() -> None:
    label, restart = told(BARE, labelled=False)
    assert label == (
        "Namespace mesh is not labelled for the mesh: its pods get no sidecar.",
        "kubectl label namespace mesh istio-injection=enabled",
    )
    assert restart[1] == "kubectl -n mesh rollout restart deployment/web"


def test_pods_made_too_early_are_named_by_workload() -> None:
    payment = replace(BARE, uid="u3", name="payment-1", workload="payment", owner="deployment/payment")
    first, second = told(BARE, replace(BARE, uid="u2", name="web-2"), payment)
    assert "payment-1" in first[0]
    assert second[0].startswith("web has no sidecar in web-1, web-2: what reaches it is only known from its callers.")
    assert second[1] == "kubectl -n mesh rollout restart deployment/web"


def test_who_has_opted_out_is_asked_in_by_another_label() -> None:
    ((words, command),) = told(replace(BARE, opted_out=True))
    assert "opted out" in words
    assert command.startswith('kubectl -n mesh patch deployment/web -p \'{"spec":{"template"')
    assert '"sidecar.istio.io/inject":"true"' in command


def test_a_pod_of_its_own_is_made_again() -> None:
    ((_, command),) = told(replace(BARE, owner=""))
    assert command == "kubectl -n mesh get pod web-1 -o yaml | kubectl -n mesh replace --force -f -"


def test_a_sidecar_that_is_not_ready_shows_its_log() -> None:
    assert told(replace(WEB, proxy_ready=False)) == [
        ("The proxy of web is not ready in web-1.", "kubectl -n mesh logs web-1 -c istio-proxy --tail 20")
    ]


def test_a_load_that_is_just_starting_is_nobodys_trouble() -> None:
    load = replace(WEB, uid="u2", name="load-1", workload="load-x", role=Role.LOAD, proxy_ready=False)
    assert told(WEB, load) == []


def test_proxies_that_did_not_answer_are_named_together() -> None:
    other = replace(WEB, uid="u2", name="web-2")
    silent = {"u1": "no answer within 0.8 s", "u2": "no answer within 0.8 s"}
    assert told(WEB, other, stats={}, silent=silent) == [
        (
            "The proxies of web-1, web-2 did not say what they have counted: no answer within 0.8 s.",
            "kubectl -n mesh describe pod web-1",
        )
    ]


def test_statistics_that_are_not_kept_are_told_from_silence() -> None:
    ((words, command),) = told(WEB, stats={"u1": ProxyStats(included=False)})
    assert "proxyStatsMatcher" in words
    assert command == "wavetank up --for 03-service-mesh && kubectl -n mesh rollout restart deployment/web"
