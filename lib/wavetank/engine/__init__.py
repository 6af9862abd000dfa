"""The container engine: finding it, reaching it, what kind it is, working in its containers, what it refuses in words.

Read in this order: `finding`, `kinds`, `client`, `refusals`, `inside`, `images`, `settings`,
`machine`. It never knows what a
cluster or a bundle is, and never chooses another engine than the ``docker`` command would while that finds one.
"""

from wavetank.engine.client import about, connect
from wavetank.engine.finding import Address, find_engine
from wavetank.engine.images import load
from wavetank.engine.inside import feed, read_file, run_in
from wavetank.engine.kinds import About
from wavetank.engine.refusals import refusal, telling
from wavetank.engine.settings import settings_without_proxies

__all__ = [
    "About",
    "Address",
    "about",
    "connect",
    "feed",
    "find_engine",
    "load",
    "read_file",
    "refusal",
    "run_in",
    "settings_without_proxies",
    "telling",
]
