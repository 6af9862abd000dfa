"""Bundles: everything a cluster is made of, named and digested in one folder.

A bundle is built here from released Go modules, wheels and Debian packages (`source`), pulled from public registries
(`registry`), or taken over from an archive (`load`). Whoever uses one never needs the network again.

This package NEVER talks to a cluster, and never takes content whose digest is not known beforehand or was not just
made here.
"""

from wavetank.bundle.archive import load, save
from wavetank.bundle.bundle import Bundle, verify
from wavetank.bundle.index import BundleImage
from wavetank.bundle.making import build
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
    "remove",
    "save",
    "verify",
]
