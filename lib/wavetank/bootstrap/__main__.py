"""The process itself: `python -m wavetank.bootstrap CLUSTER [ADDON ...]`. Its exit code is 0 where another runs."""

from __future__ import annotations

import os
import signal
import sys

from wavetank.bootstrap.journal import Journal, folder
from wavetank.bootstrap.process import held
from wavetank.bootstrap.stages import stage_of
from wavetank.bootstrap.work import work
from wavetank.bundle.stages import up_to
from wavetank.cluster import commands, find_spec, load_spec

INTERRUPTED = 130


def main(cluster: str, *addons: str) -> int:
    """Do the work while holding the lock."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was begun is ended on the way out
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with held() as mine:
        if not mine:
            return 0
        journal = Journal(folder() / "journal.jsonl", up_to(stage_of(addons)))
        try:
            return 0 if work(load_spec(find_spec(cluster)).with_addons(addons), journal) else 1
        except KeyboardInterrupt:
            journal.error("ended before everything was up\n  try: make lab")
            journal.end()
            commands.end_all()
            os._exit(INTERRUPTED)  # not waiting for threads that move images
        except Exception as error:
            journal.error(f"{type(error).__name__}: {error}\n  see more: {folder() / 'log'}")
            raise
        finally:
            journal.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
