"""all-MiniLM-L6-v2 in numpy: a BERT of six layers whose mean output is a sentence's vector.

Devlin et al., "BERT" (2019), for the network and its WordPiece tokens; Reimers and Gurevych, "Sentence-BERT" (2019),
for the mean. Shapes: B sentences of L tokens, D = 384 features in 12 heads.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MAX_TOKENS: Final = 128
_BATCH: Final = 64
_LONGEST_WORD: Final = 100


class MiniLM:
    """The network of a folder with ``model.safetensors``, ``config.json`` and ``vocab.txt``."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._weights: dict[str, Floats] = load_file(folder / "model.safetensors")
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        self._tokens = WordPiece((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors of length 1, [B, D]; texts of one length in tokens are computed together."""
        tokens = [self._tokens.encode(text) for text in texts]
        vectors = np.zeros((len(texts), self._weights["embeddings.word_embeddings.weight"].shape[1]), np.float32)
        for length in sorted({len(one) for one in tokens}):
            those = [number for number, one in enumerate(tokens) if len(one) == length]
            for begin in range(0, len(those), _BATCH):
                batch = those[begin : begin + _BATCH]
                vectors[batch] = self._forward(np.array([tokens[number] for number in batch])).mean(1)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def _forward(self, ids: NDArray[np.int64]) -> Floats:
        """Features [B, L, D] of tokens [B, L]."""
        from scipy.special import erf  # a third of a second, which only who has the model pays

        at = "embeddings"
        x = self._weights[f"{at}.word_embeddings.weight"][ids]
        x = x + self._weights[f"{at}.position_embeddings.weight"][: ids.shape[1]]
        x = x + self._weights[f"{at}.token_type_embeddings.weight"][0]
        x = self._normal(x, f"{at}.LayerNorm")
        for layer in range(self._layers):
            at = f"encoder.layer.{layer}"
            x = self._normal(x + self._attention(x, f"{at}.attention"), f"{at}.attention.output.LayerNorm")
            inner = self._linear(x, f"{at}.intermediate.dense")
            inner = 0.5 * inner * (1 + erf(inner / np.sqrt(2, dtype=np.float32)))  # GELU
            x = self._normal(x + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return x

    def _attention(self, x: Floats, at: str) -> Floats:
        batch, length, features = x.shape
        query, key, value = (
            self._linear(x, f"{at}.self.{part}").reshape(batch, length, self._heads, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(features / self._heads, dtype=np.float32)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        heard = (shares / shares.sum(-1, keepdims=True)) @ value
        return self._linear(heard.transpose(0, 2, 1, 3).reshape(batch, length, features), f"{at}.output.dense")

    def _linear(self, x: Floats, at: str) -> Floats:
        return np.asarray(x @ self._weights[f"{at}.weight"].T + self._weights[f"{at}.bias"])

    def _normal(self, x: Floats, at: str) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + self._epsilon)
        return np.asarray(centred * scale * self._weights[f"{at}.weight"] + self._weights[f"{at}.bias"], np.float32)


class WordPiece:
    """BERT's tokens without capitals and accents: the longest known pieces of each word, from its beginning."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {piece: number for number, piece in enumerate(vocabulary)}

    def encode(self, text: str) -> list[int]:
        """Numbers of the tokens, with those that begin and end a sentence; at most :data:`MAX_TOKENS`."""
        pieces = [piece for word in _words(text) for piece in self._pieces(word)][: MAX_TOKENS - 2]
        return [self._ids[piece] for piece in ("[CLS]", *pieces, "[SEP]")]

    def _pieces(self, word: str) -> list[str]:
        found: list[str] = []
        begin = 0
        while begin < len(word):
            mark = "##" if begin else ""
            ends = range(len(word), begin, -1) if len(word) <= _LONGEST_WORD else range(0)
            end = next((end for end in ends if mark + word[begin:end] in self._ids), None)
            if end is None:
                return ["[UNK]"]
            found.append(mark + word[begin:end])
            begin = end
        return found


def _words(text: str) -> list[str]:
    """Words and single marks, in small letters without accents."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    spaced = "".join(f" {c} " if _stands_alone(c) else c for c in plain)
    return spaced.split()


def _stands_alone(letter: str) -> bool:
    """Punctuation, symbols, and Chinese characters."""
    return unicodedata.category(letter)[0] in "PS" or "\u4e00" <= letter <= "\u9fff"
