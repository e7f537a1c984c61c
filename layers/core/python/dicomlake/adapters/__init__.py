"""The ports of ports.py kept twice: on AWS, one service a file, and in memory, for tests and for trying things."""
