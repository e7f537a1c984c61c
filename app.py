"""Synthesizes one environment: ENV=dev|staging|prod (or `cdk -c env=...`), no look-ups, no Docker."""

import os
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from stacks import guards, lake
from stacks.config import ENVIRONMENTS, FEATURE_FLAGS


def main() -> None:
    """Make the stacks, check them, write the assembly."""
    app = App(analytics_reporting=False, context=FEATURE_FLAGS, outdir=os.environ.get("CDK_OUTDIR", "cdk.out"))
    environment = ENVIRONMENTS[app.node.try_get_context("env") or os.environ.get("ENV", "dev")]
    built = Path(app.node.try_get_context("layers") or "build/layers")
    lake.build(app, environment, layers=built.resolve())
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    guards.require(app.synth(), keeps_data=environment.keeps_data)


if __name__ == "__main__":
    main()
