"""Errors meant for people: a sentence, the remedy, a code.

Every surface renders them alike: the terminal on stderr with exit status 2 (1 for a name that is not known), HTTP as a
problem document, Slack as a private message. Anything else that escapes is a defect of ours.
"""

from __future__ import annotations


class NekbError(Exception):
    """A failure that the person asking can understand and act on.

    `sentence` says what is wrong, `remedy` what to do about it, `code` is stable for programs.
    """

    code = "error"
    http_status = 500

    def __init__(self, sentence: str, remedy: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"


def install(extra: str) -> str:
    """How people install an extra of nekb, for a remedy."""
    return f'`pip install -c constraints.txt ".[{extra}]"` in the checkout'


class BadInputError(NekbError):
    """What was asked for cannot be understood."""

    code = "bad_input"
    http_status = 422


class NotFoundError(NekbError):
    """What was asked for by name does not exist."""

    code = "not_found"
    http_status = 404


class SnapshotError(NekbError):
    """There is no snapshot, or it cannot be used by this version."""

    code = "snapshot"
    http_status = 503


class GuidanceError(NekbError):
    """A guidance card or a signal table is not well formed."""

    code = "guidance"


class VectorsUnavailableError(NekbError):
    """The server that holds the vectors did not answer; `reason` is a stable word for metrics.

    A question catches it and is answered from the cards and the lexical leg.
    """

    code = "vectors"
    http_status = 503

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, "Check the server that NEKB_VECTORS names.")
        self.reason = reason
