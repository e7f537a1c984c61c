"""What the lake does, one verb a file: a command and ports in, facts out."""
