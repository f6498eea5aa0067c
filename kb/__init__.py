"""What is known and how it is found: documents, guidance, signals, snapshot, search, answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.answer import Answer
    from kb.snapshot import Snapshot

__version__ = "0.1.0"


def ask(
    query: str, *, limit: int = 5, given: Mapping[str, str] | None = None, snapshot: Snapshot | None = None
) -> Answer:
    """Answer a symptom: three words, a question, a pasted log.

    `given` carries facts the text does not name (`{"platform": "macOS"}`). Without `snapshot` the current one of
    `NEKB_HOME` answers. Raises `NekbError` for input that cannot be read and where nothing has been built.
    """
    from kb.asking import ask as answer_from
    from kb.home import nekb_home
    from kb.snapshot import open_current

    return answer_from(query, snapshot or open_current(nekb_home()), limit=limit, given=given)
