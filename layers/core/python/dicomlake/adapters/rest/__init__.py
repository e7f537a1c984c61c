"""The few calls that functions make all the time, signed and sent without botocore, by its names and shapes.

Why, and what it was measured to save: docs/decisions. Everything else goes through botocore's clients.
"""

from dicomlake.adapters.rest.dynamodb import RestDynamoDb
from dicomlake.adapters.rest.messages import RestSecretsManager, RestSns, RestSqs, RestStepFunctions
from dicomlake.adapters.rest.place import Place
from dicomlake.adapters.rest.s3 import RestS3

__all__ = ["Place", "RestDynamoDb", "RestS3", "RestSecretsManager", "RestSns", "RestSqs", "RestStepFunctions"]
