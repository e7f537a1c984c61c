"""The local run: the embedded engine's host, the deployment into it and the gateway in front of it.

Nothing outside this room knows which engine runs: handlers see AWS's own environment only.
"""
