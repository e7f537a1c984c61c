"""Rules."""
def require(assembly: object, environment: object) -> None:
    """x"""
