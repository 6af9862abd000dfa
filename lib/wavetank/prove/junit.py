"""A proof as JUnit XML, the form that every CI reads: a suite for each part of each lab."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from wavetank.prove.proof import Case, Proof, State

__all__ = ["write_junit"]

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(proof: Proof, path: Path) -> None:
    """Write ``proof`` to ``path``."""
    root = Element("testsuites", _counts(proof.cases))
    for (lab, part), cases in groupby(proof.cases, key=lambda case: (case.lab, case.part)):
        suite_cases = list(cases)
        suite = SubElement(root, "testsuite", {"name": f"{lab}.{part}", **_counts(suite_cases)})
        for case in suite_cases:
            one = SubElement(
                suite, "testcase", classname=f"{lab}.{part}", name=_text(case.name), time=f"{case.seconds:.3f}"
            )
            if case.state is State.WRONG:
                SubElement(one, "failure", message=_text(case.told.split("\n")[0])).text = _text(_whole(case))
            elif case.state is State.UNPROVEN:
                SubElement(one, "skipped", message=_text(case.told))
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _counts(cases: list[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.state is State.WRONG for case in cases)),
        "skipped": str(sum(case.state is State.UNPROVEN for case in cases)),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def _whole(case: Case) -> str:
    return "\n".join(filter(None, (case.told, case.why)))


def _text(text: str) -> str:
    """Return a text without what XML has no place for, such as a terminal's colours."""
    return _NO_XML.sub("\ufffd", text)
