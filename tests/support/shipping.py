"""A service's folder with a pipeline, an engine without Docker, and a Deployment that takes up whatever it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.fake_engine import FakeEngine
from tests.support.moving import NAMESPACE, MovingCluster

from wavetank.images import Engine
from wavetank.images.pipeline import Pipeline, Records, RunRecord, load_pipeline, run_pipeline
from wavetank.widgets.view import Place

IMAGE = "localhost:5001/tidewater/timetable"
PIPELINE = f"""\
image: {IMAGE}
build:
  context: service
test:
  command: [python3, -m, unittest]
deploy:
  deployment: timetable
"""
VERIFY = """\
verify:
  load:
    target: {service: timetable, path: /}
    rate: 10
    duration: 2s
on_failure: rollback
"""


class Yard:
    """The folder's ``file`` is the pipeline; each of its versions is built from what is in ``service``."""

    def __init__(self, folder: Path, cluster: MovingCluster, more: str = "") -> None:
        self.cluster, self.engine = cluster, FakeEngine()
        (folder / "service").mkdir()
        (folder / "service/app.py").write_text("print('timetable')\n")
        (folder / "service/Dockerfile").write_text("FROM wavetank.dev/base:3\nARG VERSION\nCOPY app.py .\n")
        self.file = folder / "pipeline.yaml"
        self.file.write_text(PIPELINE + more)
        cluster.deploy("timetable", 1)
        cluster.api.on_write(self._take_up)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline, as its file says."""
        return load_pipeline(self.file)

    @property
    def running(self) -> str:
        """The image that the Deployment is told to run."""
        deployment = self.cluster.api.get("Deployment", "timetable", NAMESPACE)
        assert deployment is not None
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])

    def _take_up(self, change: str, obj: dict[str, Any]) -> None:
        generation = obj["metadata"].get("generation", 1)
        if obj["kind"] == "Deployment" and obj["status"]["observedGeneration"] < generation:
            self.cluster.api.put({**obj, "status": {**obj["status"], "observedGeneration": generation}})


class Shipper:
    """Ships by the pipelines in ``folder``, as an open lab does by those of its exercises."""

    def __init__(self, place: Place, folder: Path, engine: Engine, records: Records) -> None:
        self._place, self._folder, self._engine, self._records = place, folder, engine, records

    def pipeline(self, file: str) -> Pipeline:
        return load_pipeline(self._folder / file)

    def ship(self, version: str, pipeline: str) -> RunRecord:
        return run_pipeline(
            self.pipeline(pipeline),
            version,
            engine=self._engine,
            kube=self._place.kube,
            namespace=self._place.namespace,
            records=self._records,
        )
