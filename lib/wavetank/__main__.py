"""``python -m wavetank``: the command line, and the entry point of every container made of Wavetank's own image."""

import signal
import sys
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    # The first process of a container ignores signals it has no handler for: without this one, a pod that is stopped
    # while it is still importing would go on until it is killed.
    signal.signal(signal.SIGTERM, _leave)

    from wavetank.cli import main

    main()
