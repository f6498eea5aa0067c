"""The build: store and data in, one immutable snapshot out."""

from ingest.build.run import BuildReport, build

__all__ = ["BuildReport", "build"]
