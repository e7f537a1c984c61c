"""What runs inside the engine's process: the real Lambda runtime, Fargate without Docker, and the engine's patches.

This package imports the standard library and the engine only: the engine has a virtual environment of its own.
"""
