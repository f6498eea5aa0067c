"""What callers give as an answer to an earlier `missing`, over HTTP and MCP alike."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from kb.matching.question import LONGEST_GIVEN

GivenValue = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_GIVEN)]
