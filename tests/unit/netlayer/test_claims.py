"""A host belongs to the oldest Ingress that names it."""

from __future__ import annotations

from tests.support.ingresses import ingress, rule, stored

from wavetank.kube import Obj
from wavetank.netlayer.claims import claimed_hosts, expanded, lost_hosts, rivals


def named(name: str, *hosts: str, minute: int = 0, local: bool = False) -> Obj:
    return stored(ingress(rule(*hosts, local=local), name=name), created=f"2026-06-01T12:{minute:02}:00Z")


def test_the_oldest_gets_a_host_and_the_others_are_told_who() -> None:
    third = named("a", "x.example", "mine.example", minute=3)
    second, first = named("b", "x.example", minute=2), named("c", "x.example", minute=1)
    everybody = [third, second, first]
    assert lost_hosts(first, everybody) == {}
    assert lost_hosts(second, everybody) == {"x.example": "tidewater/c"}
    assert lost_hosts(third, everybody) == {"x.example": "tidewater/c"}


def test_of_the_same_age_the_name_decides_so_that_exactly_one_wins() -> None:
    one, other = named("a", "x.example"), named("b", "x.example")
    assert [lost_hosts(each, [one, other]) for each in (one, other)] == [{}, {"x.example": "tidewater/a"}]


def test_who_is_being_deleted_has_no_claim() -> None:
    older, younger = named("a", "x.example", minute=1), named("b", "x.example", minute=2)
    older["metadata"]["deletionTimestamp"] = "2026-06-01T13:00:00Z"
    assert lost_hosts(younger, [older, younger]) == {}
    assert rivals(older, [younger]) == []


def test_a_name_within_the_cluster_is_claimed_with_its_short_forms() -> None:
    full = named("a", "tides.tidewater.svc.cluster.local", minute=1, local=True)
    short = named("b", "tides.tidewater", minute=2, local=True)
    assert lost_hosts(short, [full, short]) == {"tides.tidewater": "tidewater/a"}
    assert rivals(full, [full, short]) == [short]


def test_short_forms_are_those_that_are_hosts() -> None:
    assert expanded(["s.ns.svc.cluster.local"]) == ["s.ns.svc.cluster.local", "s.ns", "s.ns.svc"]
    assert expanded(["s.1234.svc.cluster.local"]) == ["s.1234.svc.cluster.local", "s.1234.svc"]
    assert expanded(["s.ns.svc", "s.example.com", "s.ns.svc"]) == ["s.ns.svc", "s.example.com"]


def test_an_ingress_that_names_nothing_claims_nothing() -> None:
    assert claimed_hosts(stored({**ingress(), "spec": {}})) == frozenset()
