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
    return _unit(np.random.default_rng(seed).standard_normal((count, 384)))


def vectors_with_neighbours(count: int, seed: int = 3) -> Vector:
    """Vectors of length 1 (count, 384) of a space of 16 dimensions: each has some that are near, as texts have.

    Random ones of all dimensions are about equally far from each other, so a graph finds now more, now fewer of them.
    """
    draw = np.random.default_rng(seed)
    return _unit(draw.standard_normal((count, 16)) @ draw.standard_normal((16, 384)))


def _unit(drawn: Vector) -> Vector:
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
