"""Which clock for what: this is the one for what has to end by itself on this machine.

A machine that sleeps stops `time.monotonic`, and a person, or the network, may set `time.time`. So there are three
uses. What must be over in time, whatever happens meanwhile - a node that is off, trouble in an application - and the
schedule of a load are counted here: it goes on while the machine sleeps, and cannot be set. What is written down for
others to end, as the end of a Fault is, is a date. A wait for something on this machine is monotonic: while the machine
sleeps, so does what is waited for.
"""

from __future__ import annotations

import time

__all__ = ["sleepless"]

# On macOS CLOCK_MONOTONIC goes on in sleep; on Linux it does not, and neither does `time.monotonic` on either.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def sleepless() -> float:
    """Return seconds since some moment, those in which the machine slept included."""
    return time.clock_gettime(_CLOCK)
