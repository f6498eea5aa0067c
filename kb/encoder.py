"""The encoder of passages and questions: the build's model as ONNX, run by onnxruntime. No torch on this path."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
MAX_TOKENS = 256  # of a passage: what all-MiniLM-L6-v2 is published with
# Of a question: what the model was trained with, by its authors' description of it. The decisive lines come first, and
# longer ones are answered no better for more of them, in up to twice the time (docs/performance.md).
ASKED_TOKENS = 128


class QueryEncoder:
    """Turns a text into a unit vector; threads may share it."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime as ort
        from tokenizers import Tokenizer

        options = ort.SessionOptions()
        # One thread: a second one saves a third of a short question's time and costs more than that as it waits for
        # the first, when the model loads and when questions come side by side (docs/performance.md).
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # the build saved it optimised
        self._session = ort.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, text: str, limit: int = MAX_TOKENS) -> Vector:
        """A float32 vector of length 1, of the first tokens up to a limit."""
        ids = self._tokenizer.encode(text).ids
        tokens = np.array([ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]], dtype=np.int64)
        return cast(Vector, self._session.run(None, {"input_ids": tokens})[0][0])
