"""Who has set the routes of a VirtualService, read and handed back on plain objects."""

from __future__ import annotations

from typing import Any

from wavetank.faults.ownership import MANAGER, handed_back, is_taken, owners_of
from wavetank.kube import Obj

VERSION = "networking.istio.io/v1"
HOSTS = {"f:hosts": {}, ".": {}}
HTTP = {"f:http": {}}
LABELS = {"f:labels": {"f:team": {}}}


def entry(manager: str, spec: Obj | None = None, operation: str = "Update", **more: Any) -> Obj:
    fields = {"f:metadata": LABELS, **({"f:spec": spec} if spec is not None else {})}
    return {"manager": manager, "operation": operation, "apiVersion": VERSION, "fieldsV1": fields, **more}


def managed(*entries: Obj) -> Obj:
    return {"metadata": {"name": "booking", "managedFields": list(entries)}}


def taken(*entries: Obj) -> Obj:
    """Return what an update of ours leaves: the routes are ours and nobody else's."""
    ours = {"manager": MANAGER, "operation": "Update", "apiVersion": VERSION, "fieldsV1": {"f:spec": HTTP}}
    return managed(*entries, ours)


def test_the_owners_of_the_routes_are_told_with_nothing_else_of_theirs() -> None:
    applied, labelled = entry("kubectl", {**HOSTS, **HTTP}, "Apply", time="2026-05-01T12:00:00Z"), entry("labels")
    (owner,) = owners_of(managed(applied, labelled))
    assert (owner["manager"], owner["operation"], owner["time"]) == ("kubectl", "Apply", "2026-05-01T12:00:00Z")
    assert owner["fieldsV1"] == {"f:spec": {"f:http": {}}}


def test_what_was_taken_is_handed_back_as_it_was() -> None:
    before = managed(entry("kubectl", {**HOSTS, **HTTP}, "Apply"), entry("labels"))
    after = taken(entry("kubectl", HOSTS, "Apply"), entry("labels"))
    assert is_taken(after)
    assert handed_back(after, owners_of(before)) == before


def test_whoever_owned_nothing_but_the_routes_is_there_again() -> None:
    routes = {"fieldsV1": {"f:spec": HTTP}, "time": "2026-05-01T12:00:00Z", "fieldsType": "FieldsV1"}
    editor = {"manager": "kubectl-edit", "operation": "Update", "apiVersion": VERSION, **routes}
    before = managed(entry("kubectl", HOSTS, "Apply"), editor)
    assert handed_back(taken(entry("kubectl", HOSTS, "Apply")), owners_of(before)) == before


def test_one_name_may_be_two_owners() -> None:
    before = managed(entry("wavetank", {**HOSTS, **HTTP}, "Apply"), entry("wavetank", {"f:gateways": {}}))
    after = taken(entry("wavetank", HOSTS, "Apply"), entry("wavetank", {"f:gateways": {}}))
    assert handed_back(after, owners_of(before)) == before


def test_two_who_agreed_on_the_routes_own_them_both_again() -> None:
    before = managed(entry("kubectl", HTTP, "Apply"), entry("pipeline", {**HOSTS, **HTTP}, "Apply"))
    after = taken(entry("kubectl", {}, "Apply"), entry("pipeline", HOSTS, "Apply"))
    assert handed_back(after, owners_of(before)) == before


def test_what_was_not_taken_is_left_alone() -> None:
    learners = managed(entry("kubectl", {**HOSTS, **HTTP}, "Apply"))
    assert not is_taken(learners)
    assert handed_back(learners, owners_of(learners)) is None
    assert handed_back({"metadata": {"name": "booking"}}, []) is None


def test_where_nobody_was_known_nobody_is() -> None:
    handed = handed_back(taken(), [])
    assert handed is not None
    assert handed["metadata"]["managedFields"] == [{}]
