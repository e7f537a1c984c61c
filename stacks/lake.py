"""All stacks of one environment, and what each may see of the others."""

from pathlib import Path

from aws_cdk import App, Stack, Tags

from stacks.acknowledged import acknowledge
from stacks.api import ApiStack
from stacks.config import Environment
from stacks.gateway import GatewayStack
from stacks.ingest import IngestStack
from stacks.observe import ObserveStack
from stacks.storage import StorageStack
from stacks.study import StudyStack


def build(app: App, environment: Environment, *, layers: Path) -> list[Stack]:
    """Make the stacks of one environment, in the order in which they deploy."""

    def name(part: str) -> str:
        return environment.stack_name(part)

    storage = StorageStack(app, name("storage"), environment=environment)
    ingest = IngestStack(app, name("ingest"), environment=environment, storage=storage, layers=layers)
    study = StudyStack(app, name("study"), environment=environment, storage=storage, ingest=ingest, layers=layers)
    api = ApiStack(
        app, name("api"), environment=environment, storage=storage, ingest=ingest, study=study, layers=layers
    )
    observe = ObserveStack(
        app, name("observe"), environment=environment, storage=storage, ingest=ingest, study=study, api=api
    )
    optional = _gateway(app, environment, storage, ingest, study, api)
    acknowledge(storage, ingest, study, api, *optional)
    Tags.of(app).add("project", "dicomlake")
    Tags.of(app).add("environment", environment.name)
    return [storage, ingest, study, api, observe, *optional]


def _gateway(
    app: App, environment: Environment, storage: StorageStack, ingest: IngestStack, study: StudyStack, api: ApiStack
) -> list[GatewayStack]:
    if environment.gateway is None:
        return []
    made = GatewayStack(
        app,
        environment.stack_name("gateway"),
        environment=environment,
        gateway=environment.gateway,
        storage=storage,
        ingest=ingest,
        study=study,
        api=api,
    )
    return [made]
