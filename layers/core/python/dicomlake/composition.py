"""The composition root: settings become adapters, once per process, each only when it is first asked for.

A port whose bucket or secret this function was not told of can be composed, but not used: its first call fails.
"""

from functools import cached_property

from dicomlake import wire
from dicomlake.adapters.calls import CallMeter
from dicomlake.adapters.clients import AwsClients
from dicomlake.adapters.clock import RandomIdSource, SystemClock
from dicomlake.adapters.decoder_processes import DecoderProcesses
from dicomlake.adapters.dynamodb import (
    DynamoDbAccessKeys,
    DynamoDbDatastoreRegistry,
    dynamodb_access_keys,
    dynamodb_datastore,
    dynamodb_datastores,
)
from dicomlake.adapters.s3 import S3ObjectStore
from dicomlake.adapters.s3_uploads import S3UploadSigner
from dicomlake.adapters.secrets import SecretsManagerSecretSource
from dicomlake.adapters.sns import EncodedMessage, SnsEventPublisher
from dicomlake.adapters.sqs import SqsWorkQueue
from dicomlake.adapters.stepfunctions import Machines, StepFunctionsWorkflows
from dicomlake.dicom.codecs.bounded import run_decoders_by
from dicomlake.domain.ids import LakeSecret
from dicomlake.domain.model import DatastoreId
from dicomlake.ports import Datastore
from dicomlake.settings import Settings


class Lake:
    """Every port of one process over AWS."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.meter = CallMeter()
        self.clock = SystemClock()
        self.ids = RandomIdSource()
        self._clients = AwsClients(settings.region, self.meter, env=settings.aws)
        self._datastores: dict[DatastoreId, Datastore] = {}
        self._queues: dict[str, SqsWorkQueue] = {}
        run_decoders_by(DecoderProcesses())  # a process starts with the first frame that needs one

    def datastore(self, datastore_id: DatastoreId) -> Datastore:
        """Return the ports of one data store."""
        if datastore_id not in self._datastores:
            store = self.settings.stores[datastore_id]
            objects = S3ObjectStore(self._clients.s3, store.bucket)
            self._datastores[datastore_id] = dynamodb_datastore(self._clients.dynamodb, store.table, objects)
        return self._datastores[datastore_id]

    def queue(self, name: str) -> SqsWorkQueue:
        """Return a work queue by its name in the settings: INGEST, LARGE, STUDY, SETTLE, CHANGE, IMPORT..."""
        if name not in self._queues:
            url = self.settings.text(f"{name}_QUEUE_URL")
            self._queues[name] = SqsWorkQueue(self._clients.sqs, url, wire.dumps)
        return self._queues[name]

    @cached_property
    def landing(self) -> S3ObjectStore:
        """The landing bucket."""
        return S3ObjectStore(self._clients.s3, self.settings.values.get("LANDING_BUCKET", ""))

    @cached_property
    def quarantine(self) -> S3ObjectStore:
        """The quarantine bucket."""
        return S3ObjectStore(self._clients.s3, self.settings.values.get("QUARANTINE_BUCKET", ""))

    def bucket(self, name: str) -> S3ObjectStore:
        """Any bucket, by its name; what may be done with it is the function's role's to say."""
        return S3ObjectStore(self._clients.s3, name)

    @cached_property
    def uploads(self) -> S3UploadSigner:
        """Signs what senders put into the landing bucket."""
        return S3UploadSigner(self._clients.s3, self.settings.values.get("LANDING_BUCKET", ""))

    @cached_property
    def events(self) -> SnsEventPublisher:
        """The topic lake-events."""
        return SnsEventPublisher(self._clients.sns, self.settings.text("EVENTS_TOPIC"), self._encode_event)

    @cached_property
    def workflows(self) -> StepFunctionsWorkflows:
        """The state machines; a function starts only those it was told of."""
        values = self.settings.values
        machines = Machines(
            settle_study=values.get("STUDY_MACHINE_ARN", ""),
            settle_large_study=values.get("LARGE_STUDY_MACHINE_ARN", ""),
            ingest_large=values.get("LARGE_MACHINE_ARN", ""),
        )
        return StepFunctionsWorkflows(self._clients.stepfunctions, machines, wire.dumps)

    @cached_property
    def secrets(self) -> SecretsManagerSecretSource:
        """Where the lake's secret is kept."""
        return SecretsManagerSecretSource(self._clients.secretsmanager, self.settings.values.get("SECRET_ARN", ""))

    @cached_property
    def link_key(self) -> SecretsManagerSecretSource:
        """Where the key is kept that signs study links."""
        return SecretsManagerSecretSource(self._clients.secretsmanager, self.settings.text("LINK_SECRET_ARN"))

    @cached_property
    def access_keys(self) -> DynamoDbAccessKeys:
        """The access keys of the HealthImaging API's clients."""
        return dynamodb_access_keys(self._clients.dynamodb, self._first_table)

    @cached_property
    def datastores(self) -> DynamoDbDatastoreRegistry:
        """The data stores as rows."""
        return dynamodb_datastores(self._clients.dynamodb, self._first_table)

    @property
    def _first_table(self) -> str:
        """The default data store's table, which also holds what is the whole lake's; "" where it was not told."""
        store = self.settings.stores.get(DatastoreId(self.settings.values.get("DEFAULT_STORE", "")))
        return store.table if store else ""

    @property
    def secret(self) -> LakeSecret:
        """The lake's secret."""
        return self.secrets.lake_secret()

    def _encode_event(self, event: object) -> EncodedMessage:
        """Subscribers filter by type and by the data store's name; neither tells of a patient."""
        datastore_id = DatastoreId(str(getattr(event, "datastore", "")))
        known = self.settings.stores.get(datastore_id)
        attributes = {"type": type(event).__name__, "store": known.name if known else "", "datastore": datastore_id}
        return EncodedMessage(wire.dumps(event), attributes)
