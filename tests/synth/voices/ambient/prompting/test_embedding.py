"""The sentence embedding in numpy, where its package is installed, and what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest

from synth.voices.ambient.catalogue.registry import all_sounds
from synth.voices.ambient.prompting import embedding
from synth.voices.ambient.prompting.minilm import MiniLM, WordPiece
from synth.voices.ambient.prompting.parser import parse_prompt

FOLDER = embedding.model_folder()
needs_package = pytest.mark.skipif(FOLDER is None, reason=f"{embedding.PACKAGE} is not installed (sonorize[words])")


def test_word_pieces_are_the_longest_known() -> None:
    pieces = WordPiece(["[CLS]", "[SEP]", "[UNK]", "rain", "##drop", "##s", "drop", ",", "cafe"])
    assert pieces.encode("Raindrops, rain") == [0, 3, 4, 5, 7, 3, 1]
    assert pieces.encode("Café xyz") == [0, 8, 2, 1]


def test_vectors_are_kept_for_the_texts_as_they_are() -> None:
    """Where a sound's texts change, its vector is computed when it is needed: slower, never wrong; most are kept."""
    kept = embedding.kept_vectors()
    fresh = [name for name, digest in embedding.digests().items() if (name, digest) not in kept]
    assert len(fresh) <= len(all_sounds()) // 10, f"python -m {embedding.__name__} keeps those of {', '.join(fresh)}"
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-3) for vector in kept.values())


@needs_package
def test_a_kept_vector_is_the_network_s() -> None:
    assert FOLDER is not None
    encoder, kept = MiniLM(FOLDER), embedding.kept_vectors()
    name, digest = next(one for one in embedding.digests().items() if one in kept)
    np.testing.assert_allclose(embedding.vector_of(encoder, name), kept[name, digest], atol=2e-3)


@needs_package
def test_likeness_is_that_of_meaning() -> None:
    assert FOLDER is not None
    encoder = MiniLM(FOLDER)
    vectors = encoder.encode(["a dog is barking", "the puppy woofs loudly", "shares fell on the stock market"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alike, unlike = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert alike > 0.5 > 0.2 > unlike
    alone = encoder.encode(["a dog is barking"])[0]
    np.testing.assert_allclose(alone, vectors[0], atol=1e-5)


@needs_package
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bacon in a skillet", "frying"),
        ("weather with strong gusts of air", "wind"),
        ("somebody hiking through a snowfield", "footsteps_snow"),
        ("rapids", "stream"),
        ("a revolver", "gunshot"),
    ],
)
def test_what_no_list_knows_is_understood_by_meaning(text: str, name: str) -> None:
    likeliest = embedding.likeliest(text)
    assert likeliest is not None
    assert likeliest[0] == name


@needs_package
@pytest.mark.parametrize("text", ["a tax return", "the colour blue", "quantum physics", "yesterday"])
def test_what_is_no_sound_is_like_none(text: str) -> None:
    assert embedding.likeliest(text) is None


@needs_package
def test_a_guess_is_told() -> None:
    parsed = parse_prompt("a loud revolver")
    assert [layer.sound for layer in parsed.layers] == ["gunshot"]
    assert parsed.layers[0].level_db > 0
    assert parsed.notes[0].startswith("'revolver' was read as gunshot (likeness 0.")


def test_without_the_package_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "model_folder", lambda: None)
    assert embedding.likeliest("a revolver") is None
    assert [layer.sound for layer in parse_prompt("heavy rain and a revolver").layers] == ["rain"]
    assert "revolver (names no sound)" in parse_prompt("heavy rain and a revolver").ignored
