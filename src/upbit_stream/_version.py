"""The version of the package, read at build time."""

__version__ = "0.1.0"
