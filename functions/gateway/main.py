"""The gateway's task: the API for bodies of any size."""

from dicomlake import entry

if __name__ == "__main__":
    entry.gateway()
