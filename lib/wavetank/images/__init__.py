"""Container images: building, looking into, moving and running them, and the pipeline that ships them.

Read in this order: `model` (what an image, a layer and a build are), `engine` (what an engine can do: a Protocol, so
that one without Docker can follow), `docker` (the Docker Engine, with `context`, `steps`, `reproducible`, `history`,
`transfer` and `container`), `registry` (which tag is which bytes), `isolation` (a container next to a process, with
`probe`, the script that looks), `starts` (how long a container takes to begin), `pipeline`.

It never asks on which provider a cluster runs, never gives a tag to an image that was not built to its end, and never
runs a shell with what a learner has written outside a container.
"""

from wavetank.images.docker import DockerEngine
from wavetank.images.engine import Container, Engine
from wavetank.images.model import Build, BuildStep, Ended, Image, Layer, Recipe, megabytes, repository_of

__all__ = [
    "Build",
    "BuildStep",
    "Container",
    "DockerEngine",
    "Ended",
    "Engine",
    "Image",
    "Layer",
    "Recipe",
    "megabytes",
    "repository_of",
]
