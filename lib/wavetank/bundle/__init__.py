"""Bundles: everything a cluster is made of, named and digested in one folder.

A bundle is built here from released Go modules, wheels and Debian packages (`source`), pulled from public registries
(`registry`), or taken over from an archive (`load`). Whoever uses one never needs the network again.

This package NEVER talks to a cluster, and takes nothing but by its digest: one that is known beforehand, or one that
was looked up when the bundle is made, recorded, and shown.
"""

from wavetank.bundle.archive import load, save
from wavetank.bundle.bundle import Bundle, verify
from wavetank.bundle.index import BundleImage
from wavetank.bundle.making import build, pin
from wavetank.bundle.reachable import registries_answer
from wavetank.bundle.stages import STAGES, Stage
from wavetank.bundle.store import bundles, open_bundle, remove

__all__ = [
    "STAGES",
    "Bundle",
    "BundleImage",
    "Stage",
    "build",
    "bundles",
    "load",
    "open_bundle",
    "pin",
    "registries_answer",
    "remove",
    "save",
    "verify",
]
