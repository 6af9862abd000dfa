"""IsolationView: whose each aspect is, in a word beside the mark."""

from __future__ import annotations

from tests.support.seen import seen

from wavetank.images.isolation import Comparison, Sight
from wavetank.widgets import IsolationView

HERE = {"pid": "pid:[4026531836]", "mnt": "mnt:[4026531832]", "net": "net:[4026531833]"}
THERE = {"pid": "pid:[4026532501]", "mnt": "mnt:[4026532502]", "net": "net:[4026532503]"}
SAME = {"uts": "uts:[4026531838]", "ipc": "ipc:[4026531839]", "user": "user:[4026531837]"}

PROCESS = Sight(48213, "<desk>", "Linux 6.8", {**HERE, **SAME}, 212, 1000, "ext4", "8:1", 31)
CONTAINER = Sight(1, "d3adb33fc0de", "Linux 6.8", {**THERE, **SAME}, 1, 10001, "overlay", "0:52", 24, 268435456, 0.5)


def test_each_aspect_is_told_for_both_and_whose_it_is_in_words() -> None:
    words = seen(IsolationView(Comparison.of(PROCESS, CONTAINER)))
    for told in (
        "10 of 14 aspects are the container's own",
        "namespace of process numbers (pid) 4026531836 4026532501 the container's own",
        "namespace of user numbers (user) 4026531837 4026531837 the same",
        "its own process number 48213 1 the container's own",
        "processes it sees 212 1 the container's own",
        "root file system ext4, 31 mounts overlay, 24 mounts the container's own",
        "memory limit none 268.4 MB the container's own",
        "CPU limit none 0.5 cores the container's own",
        "kernel Linux 6.8 Linux 6.8 the same",
        "host name <desk> d3adb33fc0de",
    ):
        assert told in words


def test_the_text_names_aspects_and_holds_no_number_that_changes() -> None:
    text = repr(IsolationView(Comparison.of(PROCESS, CONTAINER)))
    assert "d3adb33fc0de" not in text
    assert "4026" not in text
    assert text.splitlines()[-1] == (
        "  the same: namespace of host name (uts), namespace of shared memory (ipc), namespace of user numbers (user), "
        "kernel"
    )


def test_a_side_that_cannot_be_read_is_said() -> None:
    view = IsolationView(Comparison.of(Sight(7, "desk", "Darwin 24.1"), CONTAINER))
    assert "Where the process runs there is no /proc to read." in seen(view)
    assert "memory limit cannot be read 268.4 MB not known" in seen(view)
    assert "  not known: namespace of process numbers (pid)" in repr(view)
