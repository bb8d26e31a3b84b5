"""A packaged ONNX network that reads texts one by one or many at once, and gives each the same vector to the bit.

A text's vector has two halves: the last state of its first token, which the network was trained to make a summary of
the text, and the mean state of its tokens halfway up the network, where more is left of the words as they stand.

Its int8 operators quantise with one scale for all they are given, so that in a batch the vector of a text would
depend on its neighbours: a question taught at build would have another than the same question asked. Read alone,
though, a short text costs twice what it need, since all the weights are fetched for it anew. So texts of one length
are read together by a second network: the same weights and arithmetic, with a scale of its own for each text.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime

from indexer.encoder import Vectors

# Longer texts fill a processor by themselves; of shorter ones sixteen are read fastest, and two no faster than one.
_LONGEST_TOGETHER = 50
_MOST_TOGETHER = 16
_FEWEST_TOGETHER = 3

# What the sixth of the network's twelve layers gives out.
_HALFWAY = "/encoder/layer.5/output/LayerNorm/Add_1_output_0"

# What stands for two of ONNX's operators where the first axis counts texts. MatMulInteger takes one zero for all of
# them, so that each text's own is taken off the product instead, in whole numbers and therefore exactly.
_EACH_TEXT = "each_text"
_OPERATORS = (
    """
    <opset_import: ["": 11, "com.microsoft": 1], domain: "each_text">
    DynamicQuantizeLinear (texts) => (quantised, scale, zero) {
        nothing = Constant <value = float {0.0}> ()
        levels = Constant <value = float {255.0}> ()
        each_text = Constant <value = int64[3] {-1, 1, 1}> ()
        least = ReduceMin <axes = [1, 2], keepdims = 0> (texts)
        most = ReduceMax <axes = [1, 2], keepdims = 0> (texts)
        low = Min (least, nothing)
        high = Max (most, nothing)
        range = Sub (high, low)
        step = Div (range, levels)
        depth = Sub (nothing, low)
        depth_in_steps = Div (depth, step)
        offset = Round (depth_in_steps)
        offset_byte = Cast <to = 2> (offset)
        quantised = com.microsoft.QuantizeLinear <axis = 0> (texts, step, offset_byte)
        scale = Reshape (step, each_text)
        whole_offset = Cast <to = 6> (offset)
        zero = Reshape (whole_offset, each_text)
    }
    """,
    """
    <opset_import: ["": 11], domain: "each_text">
    MatMulInteger (quantised, weights, zero, weights_zero) => (product) {
        no_zero = Constant <value = uint8 {0}> ()
        raw = MatMulInteger (quantised, weights, no_zero, weights_zero)
        whole_weights = Cast <to = 6> (weights)
        whole_zero = Cast <to = 6> (weights_zero)
        whole = Sub (whole_weights, whole_zero)
        sums = ReduceSum <axes = [0], keepdims = 0> (whole)
        shift = Mul (zero, sums)
        product = Sub (raw, shift)
    }
    """,
)
# Tokens of three texts that both networks must agree on before the second is used.
_PROBE = tuple((101, *range(first, first + 11), 102) for first in (2000, 3000, 4000))


class Network:
    """Turns texts, given as the numbers of their tokens, into vectors; may be used by several threads."""

    def __init__(self, weights: Path) -> None:
        self._model = onnx.load(weights)
        self._model.graph.output.append(onnx.helper.make_tensor_value_info(_HALFWAY, onnx.TensorProto.FLOAT, None))
        self._one = _session(self._model)
        self._lock = Lock()

    @property
    def dimension(self) -> int:
        """Length of the vectors: of both halves together."""
        return 2 * int(self._one.get_outputs()[0].shape[-1])

    def read(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Return unit vectors of two halves of one length, shape (len(texts), dimension)."""
        rows_by_length: dict[int, list[int]] = defaultdict(list)
        for row, tokens in enumerate(texts):
            rows_by_length[len(tokens)].append(row)
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for length, rows in rows_by_length.items():
            session, at_once = self._session_for(length, len(rows))
            for start in range(0, len(rows), at_once):
                some = rows[start : start + at_once]
                vectors[some] = _run(session, [texts[row] for row in some])
        return vectors

    @property
    def reads_together(self) -> bool:
        """Whether this machine rounds alike in both networks; where not, texts are read one by one."""
        with self._lock:
            return self._many is not None

    def _session_for(self, length: int, texts: int) -> tuple[Any, int]:
        """Return what reads texts of a length, and how many at once."""
        if texts >= _FEWEST_TOGETHER and length <= _LONGEST_TOGETHER and self.reads_together:
            return self._many, _MOST_TOGETHER
        return self._one, 1

    @cached_property
    def _many(self) -> Any | None:
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for node in model.graph.node:
            if node.op_type in ("DynamicQuantizeLinear", "MatMulInteger"):
                node.domain = _EACH_TEXT
        model.functions.extend(onnx.parser.parse_function(operator) for operator in _OPERATORS)
        model.opset_import.extend(onnx.helper.make_opsetid(domain, 1) for domain in (_EACH_TEXT, "com.microsoft"))
        # The first version of the format that knows functions.
        model.ir_version = max(model.ir_version, 8)
        many = _session(model)
        alone = np.concatenate([_run(self._one, [tokens]) for tokens in _PROBE])
        return many if np.array_equal(_run(many, _PROBE), alone) else None


def _session(model: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    # One short question does not fill two cores, and a server answers several at a time.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _run(session: Any, texts: Sequence[Sequence[int]]) -> Vectors:
    """Return the vectors of texts of one length."""
    tokens = np.array(texts, dtype=np.int64)
    feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
    last, halfway = session.run(None, {entry.name: feed[entry.name] for entry in session.get_inputs()})
    # Between the marks of beginning and end; a text without words has nothing but these.
    words = halfway[:, 1:-1] if tokens.shape[1] > 2 else halfway
    halves = np.stack([last[:, 0], words.mean(axis=1)], axis=1)
    halves /= np.sqrt(np.float32(2)) * np.linalg.norm(halves, axis=-1, keepdims=True)
    return np.asarray(halves.reshape(len(texts), -1), dtype=np.float32)
