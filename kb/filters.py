"""What a document must be to be found."""

from __future__ import annotations

from dataclasses import dataclass

from kb.documents import Head


@dataclass(frozen=True)
class Filters:
    """What a document must be to be found.

    `since` is a day (ISO 8601). Documents of which no day is known are left out by it: when one was captured says
    nothing of its age.
    """

    topic: str | None = None
    platform: str | None = None
    source: str | None = None
    kind: str | None = None
    since: str | None = None
    apple_replied: bool | None = None
    accepted: bool | None = None

    def keep(self, head: Head) -> bool:
        """Whether a document passes."""
        return (
            self.topic in (None, head.topic)
            and self.source in (None, head.source)
            and self.kind in (None, head.kind)
            and (self.platform is None or self.platform in head.platforms.split())
            and (self.since is None or (head.day or "") >= self.since)
            and self.apple_replied in (None, bool(head.apple_replied))
            and self.accepted in (None, bool(head.accepted))
        )


EVERYTHING = Filters()
