"""The task for one object over the size limit."""

from dicomlake import entry

if __name__ == "__main__":
    entry.large_instance()
