"""Vectors and heads made for tests of a vector server, and a question that has cards and threads."""

from __future__ import annotations

import numpy as np

from kb.documents import Head
from kb.encoder import Vector

QUERY = "NEHotspotConfigurationManager apply returns internal error, code 8"


def made_heads(count: int) -> list[Head]:
    """Heads whose fields differ from one to the next, for filters to tell apart."""
    topics, platforms = ("vpn", "content-filter", None), ("iOS", "iOS macOS", "")
    return [
        Head(
            f"d{i}",
            "t",
            None,
            "thread",
            bool(i % 2),
            i % 5 == 0,
            None,
            None,
            topics[i % 3],
            "forum",
            platforms[i % 3],
            f"2026-{i % 12 + 1:02d}-01",
        )
        for i in range(count)
    ]


def unit_vectors(count: int, seed: int = 3) -> Vector:
    """Random vectors of length 1 (count, 384)."""
    drawn = np.random.default_rng(seed).standard_normal((count, 384)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
