"""Deploy the synthesized templates into the engine: upload assets, create or update each stack, read the outputs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from dicomlake.local.assets import Asset, build_asset, forget_unused
from dicomlake.local.datadir import DataDirectory, write_atomically
from dicomlake.local.failure import LocalRunError
from dicomlake.local.repository import Repository

# The CDK's bootstrap, as the default synthesizer names it.
_QUALIFIER = "hnb659fds"
_BOOTSTRAP_VERSION = "30"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_WAIT = {"Delay": 0.2, "MaxAttempts": 900}
# CloudFormation's limit for a template in the request itself.
_INLINE_LIMIT = 51_200


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is to be deployed: stacks in order, the directories of their zips, the directories of their images."""

    stacks: tuple[str, ...]
    assets: Mapping[str, str]
    images: Mapping[str, str]

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """Read `manifest.json` beside the templates; raises LocalRunError when there is none."""
        file = directory / "manifest.json"
        if not file.exists():
            raise LocalRunError(f"There is no {file}; run `make golden` to write the templates the local lake deploys.")
        data = json.loads(file.read_text())
        return cls(tuple(data["stacks"]), data.get("assets", {}), data.get("images", {}))


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the engine: its endpoint and the key every local client signs with."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str

    def client(self, service: str, patience: float = 60.0) -> Any:
        """Return a boto3 client that cannot reach anything but the engine, and waits so many seconds for an answer."""
        if not self.endpoint.startswith("http://127.0.0.1:"):
            raise LocalRunError("A local run talks to 127.0.0.1 only; unset AWS_ENDPOINT_URL and start again.")
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
                retries={"max_attempts": 2},
                read_timeout=patience,
            ),
        )


class Deployment:
    """One deployment of a directory of templates; running it again changes only what changed."""

    def __init__(self, repository: Repository, data: DataDirectory, access: Access) -> None:
        self._repository = repository
        self._data = data
        self._access = access
        self._cloudformation = access.client("cloudformation")
        self._s3 = access.client("s3")
        self._account = access.client("sts").get_caller_identity()["Account"]

    def run(self, directory: Path) -> dict[str, str]:
        """Deploy every stack of `directory` and return all their outputs."""
        manifest = Manifest.read(directory)
        self._write_images(manifest)
        for leftovers in ("assets", "unpacked"):
            forget_unused(self._repository.build / leftovers)
        assets = [
            build_asset(self._repository, name, self._repository.root / place)
            for name, place in manifest.assets.items()
        ]
        known = json.loads(self._data.deployed.read_text()) if self._data.deployed.exists() else {}
        self._bootstrap(assets)
        for stack in manifest.stacks:
            template = _with_content_keys((directory / f"{stack}.template.json").read_text(), assets)
            digest = hashlib.sha256(template.encode()).hexdigest()
            if known.get(stack) != digest or not self._exists(stack):
                self._apply(stack, template)
                known[stack] = digest
                write_atomically(self._data.deployed, json.dumps(known))
        return self.outputs(manifest.stacks)

    def _write_images(self, manifest: Manifest) -> None:
        root = self._repository.root
        libraries = ["layers/core/python", "build/layers/base/python", "build/layers/pixels/python"]
        catalog = {
            "root": str(root),
            "images": {tag: str(root / place) for tag, place in manifest.images.items()},
            "libraries": [str(root / library) for library in libraries],
        }
        write_atomically(self._data.images, json.dumps(catalog))

    @property
    def _bucket(self) -> str:
        return f"cdk-{_QUALIFIER}-assets-{self._account}-{self._access.region}"

    def _bootstrap(self, assets: list[Asset]) -> None:
        """Do what `cdk bootstrap` and asset publishing do."""
        self._access.client("ssm").put_parameter(
            Name=f"/cdk-bootstrap/{_QUALIFIER}/version", Value=_BOOTSTRAP_VERSION, Type="String", Overwrite=True
        )
        if not self._has_bucket():
            self._s3.create_bucket(Bucket=self._bucket)
        present = {item["Key"] for item in self._s3.list_objects_v2(Bucket=self._bucket).get("Contents", [])}
        for asset in {asset.key: asset for asset in assets if asset.key not in present}.values():
            with asset.file.open("rb") as content:
                self._s3.put_object(Bucket=self._bucket, Key=asset.key, Body=content)

    def _has_bucket(self) -> bool:
        return self._bucket in {bucket["Name"] for bucket in self._s3.list_buckets()["Buckets"]}

    def _exists(self, stack: str) -> bool:
        return self._status(stack) in ("CREATE_COMPLETE", "UPDATE_COMPLETE")

    def _status(self, stack: str) -> str:
        try:
            found: str = self._cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError:
            return "DOES_NOT_EXIST"
        return found

    def _apply(self, stack: str, template: str) -> None:
        status = self._status(stack)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DOES_NOT_EXIST", "DELETE_COMPLETE"):
            self._cloudformation.delete_stack(StackName=stack)
            self._wait("stack_delete_complete", stack)
        arguments = {"StackName": stack, "Capabilities": _CAPABILITIES, **self._template(stack, template)}
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            self._cloudformation.update_stack(**arguments)
            self._wait("stack_update_complete", stack)
        else:
            self._cloudformation.create_stack(**arguments)
            self._wait("stack_create_complete", stack)

    def _template(self, stack: str, template: str) -> dict[str, str]:
        if len(template) <= _INLINE_LIMIT:
            return {"TemplateBody": template}
        key = f"{stack}-{hashlib.sha256(template.encode()).hexdigest()[:16]}.template.json"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=template.encode())
        return {"TemplateURL": f"{self._access.endpoint}/{self._bucket}/{key}"}

    def _wait(self, waiter: str, stack: str) -> None:
        try:
            self._cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig=_WAIT)
        except WaiterError as exc:
            raise LocalRunError(f"Stack {stack} did not deploy: {self._first_failure(stack)}") from exc

    def _first_failure(self, stack: str) -> str:
        events = self._cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        if not failed:
            return "the engine gave no reason."
        first = min(failed, key=lambda event: str(event["Timestamp"]))
        return (
            f"{first['LogicalResourceId']} ({first['ResourceType']}): {first.get('ResourceStatusReason', 'no reason')}"
        )

    def outputs(self, stacks: tuple[str, ...]) -> dict[str, str]:
        """Return the outputs of the stacks, later ones over earlier ones."""
        found: dict[str, str] = {}
        for stack in stacks:
            described = self._cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            found.update({output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])})
        return found


def _with_content_keys(template: str, assets: list[Asset]) -> str:
    """Name each asset by its content, as a fresh synth does: a golden template has stable names in their place."""
    for asset in assets:
        template = template.replace(f'"{asset.name}"', f'"{asset.key}"')
    return template
