"""The container engine: finding it, reaching it, working inside its containers, saying in words what it refuses.

Read in this order: `finding`, `client`, `refusals`, `inside`. It never knows what a cluster or a bundle is, and never
chooses another engine than the ``docker`` command would.
"""

from wavetank.engine.client import connect
from wavetank.engine.finding import engine_host
from wavetank.engine.inside import feed, read_file, run_in
from wavetank.engine.refusals import refusal, telling

__all__ = ["connect", "engine_host", "feed", "read_file", "refusal", "run_in", "telling"]
