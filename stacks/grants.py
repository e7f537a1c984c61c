"""Who may do what: each function here adds exactly the named actions to a principal, and no wildcard action.

CDK's own `grant_*` methods add families (`s3:GetObject*`, `kms:GenerateDataKey*`) and Scan; the lake's request path
has no Scan, so no principal may.
"""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn


def _allow(grantee: iam.IGrantable, actions: list[str], *resources: str) -> None:
    iam.Grant.add_to_principal(grantee=grantee, actions=actions, resource_arns=list(resources))


def use_key(grantee: iam.IGrantable, key: kms.IKey) -> None:
    """Encrypt and decrypt under the lake's key; what is encrypted is guarded by the other grants."""
    _allow(grantee, ["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn)


def read_objects(grantee: iam.IGrantable, *buckets: s3.IBucket) -> None:
    """Get objects whose keys are known."""
    _allow(grantee, ["s3:GetObject", "s3:GetObjectVersion"], *(b.arn_for_objects("*") for b in buckets))


def write_objects(grantee: iam.IGrantable, *buckets: s3.IBucket) -> None:
    """Put objects, also in parts."""
    _allow(grantee, ["s3:PutObject", "s3:AbortMultipartUpload"], *(b.arn_for_objects("*") for b in buckets))


def list_parts(grantee: iam.IGrantable, bucket: s3.IBucket) -> None:
    """List which parts of an upload are there."""
    _allow(grantee, ["s3:ListMultipartUploadParts"], bucket.arn_for_objects("*"))


def write_answers(grantee: iam.IGrantable, bucket: s3.IBucket) -> None:
    """Put answers that are too large for one response, also in parts; packs lie elsewhere in the bucket."""
    _allow(grantee, ["s3:PutObject", "s3:AbortMultipartUpload"], bucket.arn_for_objects("answers/*"))


def write_journal(grantee: iam.IGrantable, *buckets: s3.IBucket) -> None:
    """Put what a change is about to do; packs and metadata lie elsewhere in the bucket."""
    _allow(grantee, ["s3:PutObject"], *(b.arn_for_objects("journal/*") for b in buckets))


def delete_metadata(grantee: iam.IGrantable, *buckets: s3.IBucket) -> None:
    """Delete pre-built metadata, which a purge does: it may hold what was deleted, and packs have the rest."""
    places = (b.arn_for_objects(part) for b in buckets for part in ("series/*", "image-sets/*"))
    _allow(grantee, ["s3:DeleteObject"], *places)


def write_image_sets(grantee: iam.IGrantable, bucket: s3.IBucket) -> None:
    """Put what is answered of image sets; packs lie elsewhere in the bucket."""
    _allow(grantee, ["s3:PutObject", "s3:AbortMultipartUpload"], bucket.arn_for_objects("image-sets/*"))


def write_imports(grantee: iam.IGrantable, bucket: s3.IBucket) -> None:
    """Put what import jobs note; packs lie elsewhere in the bucket."""
    _allow(grantee, ["s3:PutObject", "s3:AbortMultipartUpload"], bucket.arn_for_objects("imports/*"))


def list_objects(grantee: iam.IGrantable, *buckets: s3.IBucket) -> None:
    """List a bucket; who may do so is told 404, not 403, for an object that is gone."""
    _allow(grantee, ["s3:ListBucket", "s3:ListBucketVersions"], *(b.bucket_arn for b in buckets))


def delete_objects(grantee: iam.IGrantable, *buckets: s3.IBucket) -> None:
    """Delete objects, not versions: in a versioned bucket they can be brought back."""
    _allow(grantee, ["s3:DeleteObject"], *(b.arn_for_objects("*") for b in buckets))


def read_index(grantee: iam.IGrantable, *tables: dynamodb.ITable) -> None:
    """Get and query items."""
    _allow(
        grantee, ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"], *(table.table_arn for table in tables)
    )


def write_index(grantee: iam.IGrantable, *tables: dynamodb.ITable) -> None:
    """Write items, also in transactions and under conditions."""
    verbs = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "ConditionCheckItem")
    _allow(grantee, [f"dynamodb:{verb}" for verb in verbs], *(table.table_arn for table in tables))


def keep_cursors(grantee: iam.IGrantable, table: dynamodb.ITable) -> None:
    """Put the rows in which a search remembers where a page ended (docs/index.md), and no other row."""
    iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["dynamodb:PutItem"],
        resource_arns=[table.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["T#*"]}},
    )


def write_rows(grantee: iam.IGrantable, table: dynamodb.ITable, *partitions: str) -> None:
    """Write rows of the partitions named (`*` ends a beginning), and no other row."""
    iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
        resource_arns=[table.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}},
    )


def send(grantee: iam.IGrantable, *queues: sqs.IQueue) -> None:
    """Send messages to queues."""
    _allow(grantee, ["sqs:SendMessage"], *(queue.queue_arn for queue in queues))


def publish(grantee: iam.IGrantable, topic: sns.ITopic) -> None:
    """Publish events."""
    _allow(grantee, ["sns:Publish"], topic.topic_arn)


def start(grantee: iam.IGrantable, *machines: sfn.IStateMachine) -> None:
    """Start executions."""
    _allow(grantee, ["states:StartExecution"], *(machine.state_machine_arn for machine in machines))


def read_secret(grantee: iam.IGrantable, secret: secretsmanager.ISecret) -> None:
    """Read the secret from which keyed names are derived."""
    _allow(grantee, ["secretsmanager:GetSecretValue"], secret.secret_arn)
