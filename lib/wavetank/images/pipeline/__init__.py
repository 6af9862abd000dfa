"""The pipeline that ships a service: build, test, push, deploy, verify under load, promote - or roll back by itself.

Read in this order: `declared` (what a pipeline.yaml says, by pipeline.schema.json), `record` (what a run has done, kept
on disk while it goes on), `stages` (what each stage does) and `run` (their order, and what follows from a failure).

It never deploys anything but a digest that its own test stage has passed, and never leaves a version in place that its
own verification has refused.
"""

from wavetank.images.pipeline.declared import SCHEMA, Pipeline, Verification, load_pipeline
from wavetank.images.pipeline.record import Records, RunRecord, StageRecord
from wavetank.images.pipeline.run import run_pipeline

__all__ = [
    "SCHEMA",
    "Pipeline",
    "Records",
    "RunRecord",
    "StageRecord",
    "Verification",
    "load_pipeline",
    "run_pipeline",
]
