"""What AWS asks for, in one dated table: on-demand prices of us-east-1 in USD, without free tiers and discounts.

Source: the public price pages of each service, read on the date below. Change a price here and nowhere else.
"""

from dataclasses import dataclass

DATE = "2026-11-01"
REGION = "us-east-1"

MILLION = 1_000_000
GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What `per` units of something cost."""

    usd: float
    per: float
    unit: str
    source: str

    def of(self, quantity: float) -> float:
        """Return what a quantity costs."""
        return self.usd * quantity / self.per


PRICES: dict[str, Price] = {
    "s3-put": Price(5.00, MILLION, "requests", "aws.amazon.com/s3/pricing: PUT, COPY, POST, LIST, S3 Standard"),
    "s3-get": Price(0.40, MILLION, "requests", "aws.amazon.com/s3/pricing: GET, SELECT and all other, S3 Standard"),
    "s3-free": Price(0.00, MILLION, "requests", "aws.amazon.com/s3/pricing: DELETE and CANCEL are free"),
    "s3-storage": Price(0.023, GB, "byte-months", "aws.amazon.com/s3/pricing: S3 Standard, first 50 TB a month"),
    "dynamodb-write": Price(0.625, MILLION, "write request units", "aws.amazon.com/dynamodb/pricing/on-demand"),
    "dynamodb-read": Price(0.125, MILLION, "read request units", "aws.amazon.com/dynamodb/pricing/on-demand"),
    "dynamodb-storage": Price(0.25, GB, "byte-months", "aws.amazon.com/dynamodb/pricing/on-demand: Standard class"),
    "sns-publish": Price(0.50, MILLION, "requests", "aws.amazon.com/sns/pricing: standard topics, per 64 KB"),
    "sqs-request": Price(0.40, MILLION, "requests", "aws.amazon.com/sqs/pricing: standard queues, per 64 KB"),
    "lambda-request": Price(0.20, MILLION, "requests", "aws.amazon.com/lambda/pricing"),
    "lambda-time": Price(0.0000166667, 1, "GB-seconds", "aws.amazon.com/lambda/pricing: x86, first tier"),
    "express-request": Price(1.00, MILLION, "executions", "aws.amazon.com/step-functions/pricing: Express"),
    "express-time": Price(0.00001667, 1, "GB-seconds", "aws.amazon.com/step-functions/pricing: Express, first tier"),
    "standard-transition": Price(25.00, MILLION, "transitions", "aws.amazon.com/step-functions/pricing: Standard"),
    "fargate-cpu": Price(0.04048, 3600, "vCPU-seconds", "aws.amazon.com/fargate/pricing: Linux x86"),
    "fargate-memory": Price(0.004445, 3600, "GB-seconds", "aws.amazon.com/fargate/pricing: Linux x86"),
    "kms-request": Price(0.03, 10_000, "requests", "aws.amazon.com/kms/pricing: symmetric keys"),
    "kms-key": Price(1.00, 1, "key-months", "aws.amazon.com/kms/pricing"),
    "secret": Price(0.40, 1, "secret-months", "aws.amazon.com/secrets-manager/pricing"),
    "secret-request": Price(0.05, 10_000, "requests", "aws.amazon.com/secrets-manager/pricing"),
    "logs-ingest": Price(0.50, GB, "bytes", "aws.amazon.com/cloudwatch/pricing: standard log class"),
    "metric": Price(0.30, 1, "metric-months", "aws.amazon.com/cloudwatch/pricing: first 10,000 metrics"),
    "alarm": Price(0.10, 1, "alarm-months", "aws.amazon.com/cloudwatch/pricing: standard resolution"),
    "dashboard": Price(3.00, 1, "dashboard-months", "aws.amazon.com/cloudwatch/pricing: above three"),
    "api-request": Price(1.00, MILLION, "requests", "aws.amazon.com/api-gateway/pricing: HTTP API, first 300 million"),
}

OPERATIONS: dict[str, str] = {
    "s3:GetObject": "s3-get",
    "s3:HeadObject": "s3-get",
    "s3:GetObjectTagging": "s3-get",
    "s3:PutObject": "s3-put",
    "s3:PutObjectTagging": "s3-put",
    "s3:CopyObject": "s3-put",
    "s3:CreateMultipartUpload": "s3-put",
    "s3:UploadPart": "s3-put",
    "s3:UploadPartCopy": "s3-put",
    "s3:CompleteMultipartUpload": "s3-put",
    "s3:ListObjectsV2": "s3-put",
    "s3:ListObjectVersions": "s3-put",
    "s3:DeleteObject": "s3-free",
    "s3:DeleteObjects": "s3-free",
    "s3:AbortMultipartUpload": "s3-free",
    "sns:Publish": "sns-publish",
    "sns:PublishBatch": "sns-publish",
    "sqs:SendMessage": "sqs-request",
    "sqs:SendMessageBatch": "sqs-request",
    "sqs:ReceiveMessage": "sqs-request",
    "sqs:DeleteMessage": "sqs-request",
    "sqs:DeleteMessageBatch": "sqs-request",
    "secrets-manager:GetSecretValue": "secret-request",
    "sfn:StartExecution": "express-request",
}
"""The price of one call of each operation that handlers make; DynamoDB's calls are priced by the units they report."""
