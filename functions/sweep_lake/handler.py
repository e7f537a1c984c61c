"""Compares the buckets with the ledger and repairs what no event told of."""

from dicomlake import entry

handler = entry.sweep_lake()
