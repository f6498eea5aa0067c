"""Exporting the encoder: the same model as ONNX, pooling and normalising inside the graph, weights in int8.

The graph takes the tokens of one text, so that nothing in it masks what a batch would be padded with, and its weights
lie beside it in a file that processes map and share.

int8 per channel with a reduced range keeps 0.99 of the cosine at a quarter of the size and half the time; per tensor
loses a fifth of the top 10 (docs/performance.md).
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ingest.build.model import PRECISION, Model
from kb.snapshot import Manifest

_MAPPED_FROM = 1024  # bytes of a weight that goes into the file of weights


def write_encoder(model: Model, folder: Path, earlier: Iterable[tuple[Path, Manifest]]) -> str:
    """Write `model.onnx`, its weights and `tokenizer.json` into a folder; return the name of the precision.

    An earlier snapshot of the same model has the same files, which saves loading the model.
    """
    for snapshot, manifest in earlier:
        if (manifest.model_sha256, manifest.encoder) == (model.sha256, PRECISION):
            shutil.copytree(snapshot / "encoder", folder)
            return PRECISION
    export_encoder(model, folder)
    return PRECISION


def export_encoder(model: Model, folder: Path) -> None:
    """Write the model as `model.onnx` with `weights.bin`, and its `tokenizer.json`."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        full, small = Path(scratch) / "full.onnx", Path(scratch) / "small.onnx"
        _export(model, full)
        _quantise(full, small)
        _optimise(small, folder / "model.onnx")
    shutil.copyfile(Path(model.path) / "tokenizer.json", folder / "tokenizer.json")


def _export(model: Model, target: Path) -> None:
    import torch

    class Encoder(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        """Mean pooling and normalising over the transformer, as the sentence-transformers pipeline does."""

        def __init__(self, transformer: Any) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: Any) -> Any:
            hidden = self.transformer(input_ids=input_ids).last_hidden_state
            return torch.nn.functional.normalize(hidden.mean(1), dim=1)

    encoder = model.original
    wrapped = Encoder(encoder[0].model).eval()
    example = encoder.tokenizer(["one text"], return_tensors="pt")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        # The exporter over TorchScript takes 2 s here, the one over torch.export 8 s for the same vectors.
        torch.onnx.export(
            wrapped,
            (example["input_ids"],),
            str(target),
            input_names=["input_ids"],
            output_names=["embedding"],
            opset_version=17,
            dynamo=False,
            dynamic_axes={"input_ids": {1: "tokens"}},
        )


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # its advice to pre-process goes to the root logger
    try:
        quantize_dynamic(str(source), str(target), per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)


def _optimise(source: Path, target: Path) -> None:
    """Save the graph as onnxruntime rewrites it, so that a question need not rewrite it again when it loads.

    Its weights go into a file of their own, which is mapped rather than read.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", "weights.bin")
    options.add_session_config_entry(
        "session.optimized_model_external_initializers_min_size_in_bytes", str(_MAPPED_FROM)
    )
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
