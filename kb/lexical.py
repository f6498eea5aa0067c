"""The lexical leg: our terms, Tantivy's BM25.

Identifiers are kept whole and split at their capitals, dots and hyphens, so that `NEVPNErrorDomain` is found by
itself, by `vpn error` and by `nevpnerrordomain`; codes stay as they are; other scripts become character pairs.
"""

from __future__ import annotations

import math
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import tantivy

from kb.composing import composed
from kb.errors import SnapshotError

_TOKEN = re.compile(r"[A-Za-z0-9_]+(?:[.\-:/][A-Za-z0-9_]+)*|[^\W\d_]+", re.UNICODE)
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_FIELDS = ("title", "body")
_TITLE_BOOST = 1.5
_MAX_TERMS = 160
EVERY_TERM_UP_TO = 10_000  # passages
COMMON = 0.2  # a term that is in more of the passages than this is
SHORT = 100.0  # the highest BM25 score of a question of some eight terms
_K1 = 1.2  # Tantivy's


@cache
def _stemmer() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.stemmer("english")).build()


def terms(text: str) -> list[str]:
    """The terms of a text in order: words stemmed, identifiers whole and in parts, pairs of characters for CJK."""
    words: list[str] = []
    for m in _TOKEN.finditer(composed(text, "NFKC")):
        words += _split(m[0])
    return _stemmer().analyze(" ".join(words)) if words else []


def _split(token: str) -> list[str]:
    if not token.isascii():
        return _pairs(token.casefold()) if _cjk(token) else [token.casefold()]
    parts = [p for piece in re.split(r"[.\-:/_]", token) for p in _CAMEL.findall(piece)]
    whole = [token] if len(parts) != 1 or parts[0] != token else []
    return whole + parts if len(parts) <= 12 else whole


def _cjk(token: str) -> bool:
    return any("\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" for c in token)


def _pairs(token: str) -> list[str]:
    return [token[i : i + 2] for i in range(len(token) - 1)] or [token]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=True, fast=True)
    for field in _FIELDS:
        builder.add_text_field(field, stored=False, tokenizer_name="ws", index_option="freq")
    return builder.build()


def _open(folder: Path, schema: tantivy.Schema | None = None) -> tantivy.Index:
    index = tantivy.Index(schema, str(folder)) if schema else tantivy.Index.open(str(folder))
    index.register_tokenizer("ws", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
    return index


def write_lexical(folder: Path, rows: list[tuple[str, str]]) -> None:
    """Index `(title, body)` pairs; the position in the list is the row that a search returns."""
    folder.mkdir(parents=True)
    index = _open(folder, _schema())
    writer = index.writer(heap_size=64_000_000, num_threads=1)
    for row, (title, body) in enumerate(rows):
        document = tantivy.Document(title=" ".join(terms(title)), body=" ".join(terms(body)))
        document.add_unsigned("row", row)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    readable = folder.stat().st_mode & 0o666  # as for every other file; Tantivy lets only its owner read two of its own
    for path in folder.iterdir():
        path.chmod(readable)


class LexicalIndex:
    """BM25 over the passages of one space."""

    def __init__(self, folder: Path) -> None:
        """Open the index. Raises `SnapshotError` where its folder cannot be written: Tantivy locks it even to read."""
        try:
            self._index = _open(folder)
        except ValueError as error:
            if os.access(folder, os.W_OK):
                raise
            raise SnapshotError(
                f"The folder {folder} must be writable: the index of words keeps a lock there.",
                "Let this user write to the data directory, or copy it and set NEKB_HOME to the copy.",
            ) from error
        self._searcher = self._index.searcher()

    def search(self, query_terms: list[str], limit: int) -> list[tuple[int, float]]:
        """The best rows with their BM25 scores, best first."""
        return self.scored(self.telling(query_terms), limit)

    def telling(self, query_terms: list[str]) -> list[str]:
        """The terms that are looked for, each once; among many passages none that is in every fifth of them.

        Those say least and cost most: they are half of a question's time among a million passages, and without them
        it finds the same ten but for one in seventy (docs/performance.md).
        """
        unique = list(dict.fromkeys(query_terms))[:_MAX_TERMS]
        count = self._searcher.num_docs
        if count <= EVERY_TERM_UP_TO:
            return unique
        return [term for term in unique if self._searcher.doc_freq("body", term) <= COMMON * count] or unique

    def scored(self, query_terms: list[str], limit: int) -> list[tuple[int, float]]:
        """The best rows by all of these terms, with their BM25 scores, best first."""
        if not query_terms:
            return []
        schema = self._index.schema
        clauses: list[tuple[Any, Any]] = []
        for term in query_terms:
            for field in _FIELDS:
                query = tantivy.Query.term_query(schema, field, term, index_option="freq")
                if field == "title":
                    query = tantivy.Query.boost_query(query, _TITLE_BOOST)
                clauses.append((tantivy.Occur.Should, query))
        found = self._searcher.search(tantivy.Query.boolean_query(clauses), limit, count=False)
        rows = self._searcher.fast_field_values("row", [address for _, address in found.hits])
        return [(row, score) for row, (score, _) in zip(rows, found.hits, strict=True)]

    def shares(self, query_terms: list[str], limit: int) -> dict[int, float]:
        """The best rows with their BM25 scores as shares, 0 to 1, of what these terms can reach.

        A score is divided by the geometric mean of the bound of its terms and that of a short question: of a few words
        a passage may have all, of a page of log it never has more than a part.
        """
        asked = self.telling(query_terms)
        scale = max(math.sqrt(SHORT * self.bound(asked)), 1e-9)
        return {row: min(score / scale, 1.0) for row, score in self.scored(asked, limit)}

    def bound(self, query_terms: list[str]) -> float:
        """A score that no passage exceeds for these terms: each term's weight in both fields, used to the full.

        A term's part of BM25 saturates at idf (k1 + 1) (Robertson and Zaragoza, 2009, 3.4). A term that no passage
        has counts as the rarest of all in the body, so that a question of foreign words is like nothing.
        """
        count = self._searcher.num_docs
        total = 0.0
        for term in query_terms:
            title, body = (self._searcher.doc_freq(field, term) for field in _FIELDS)
            total += _TITLE_BOOST * _idf(count, title) if title else 0.0
            total += _idf(count, body)
        return total * (_K1 + 1)


def _idf(count: int, having: int) -> float:
    return math.log(1 + (count - having + 0.5) / (having + 0.5))
