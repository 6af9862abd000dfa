"""Looks at a real mesh as they were recorded: see tests/unit/observe/recorded/README.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wavetank.kube import Obj
from wavetank.observe.roster import Roster, read_pods, read_services, read_subsets
from wavetank.observe.scrape import Look
from wavetank.observe.stats import parse_stats

RECORDED = Path(__file__).parents[1] / "unit/observe/recorded"
NAMESPACE = "mesh"
AT = {"before": 0.0, "during": 23.1, "after": 31.8}


def objects(moment: str) -> dict[str, list[Obj]]:
    """Return what was in the cluster, by kind."""
    told: dict[str, list[Obj]] = json.loads((RECORDED / moment / "objects.json").read_text())
    return told


def statistics(moment: str) -> dict[str, str]:
    """Return what each proxy said, by pod."""
    return {path.stem: path.read_text() for path in (RECORDED / moment).glob("*.prom")}


def calls(moment: str) -> dict[tuple[str, str], dict[str, int]]:
    """Return what the services themselves had counted: by caller and callee, by outcome."""
    counted: dict[tuple[str, str], dict[str, int]] = {}
    for words, count in json.loads((RECORDED / moment / "calls.json").read_text()).items():
        caller, callee, outcome = words.split()
        counted.setdefault((caller, callee), {})[outcome] = count
    return counted


def look_at(moment: str, **parts: Any) -> Look:
    """Return the look at that moment; ``parts`` of its roster may be others."""
    there = objects(moment)
    pods = read_pods([pod for pod in there["Pod"] if pod["metadata"]["labels"].get("app") != "istiod"])
    roster = {
        "pods": pods,
        "services": read_services(there["Service"]),
        "subsets": read_subsets(there["DestinationRule"], NAMESPACE),
        "virtual_services": tuple(there["VirtualService"]),
        **parts,
    }
    said = statistics(moment)
    stats = {pod.uid: parse_stats(said[pod.name]) for pod in pods if pod.name in said}
    return Look(AT[moment], Roster(NAMESPACE, **roster), stats)
