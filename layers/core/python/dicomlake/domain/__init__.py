"""The words and rules of the lake; standard library only, no I/O."""
