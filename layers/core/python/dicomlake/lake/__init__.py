"""The lake format: how instances lie in packs, and what stands beside them. Pure bytes in, bytes out.

`docs/lake-format.md` is the open specification of everything in this package.
"""
