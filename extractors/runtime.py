"""The exported joint model on ONNX Runtime: reads texts without torch."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from extractors.blas import one_thread
from extractors.decode import Reading, laid_out, read_texts
from extractors.document import Document, ExtractionError
from extractors.encode import Pieces, Window, special
from extractors.folders import check_files, highest_id, read_config, read_heads, read_tokenizer
from extractors.given import read_given
from extractors.onnx import InferenceSession, SessionOptions
from extractors.tags import Array

SHIPPED = Path(__file__).with_name("weights")
"""Folder of the model that comes with the package."""


AHEAD = 8
"""Windows a thread that are encoded before they are asked for; a few hold all the states there are of them."""

FILES = ("config.json", "heads.npz", "model.onnx", "tokenizer.json")
"""What an exported model consists of."""


class JointExtractor:
    """An exported joint model as an ``Extractor``.

    A window is encoded by itself, without padding: 8-bit activations are scaled by their largest value, so in a batch
    the neighbours would change a text's result.

    Args:
        folder: Written by ``kgbuild train`` or ``training.export.export_model``.
        threads: Threads of the encoder; 0 takes every core.

    Raises:
        ExtractionError: If a file is missing, damaged, or of another model than the others.
    """

    def __init__(self, folder: Path = SHIPPED, threads: int = 0) -> None:
        self.folder = folder
        check_files(folder, FILES, "no exported joint model")
        self._threads = threads if threads > 0 else os.cpu_count() or 1
        self._reading = _load_reading(folder)
        self._tokenizer = read_tokenizer(folder)
        self._known: dict[str, Pieces] = {}
        self._session = _open_session(folder / "model.onnx")
        self._check_states()

    def _check_states(self) -> None:
        """Read one window that has the highest subword id.

        Raises:
            ExtractionError: If the encoder is not that of the tokenizer or of the heads.
        """
        begin, end = special(self._tokenizer, "[CLS]"), special(self._tokenizer, "[SEP]")
        ids = np.array([begin, highest_id(self._tokenizer), end], dtype=np.int64)
        width = self._reading.weights["emission.weight"].shape[1]
        try:
            states = self._states(Window(0, 0, 1, ids, np.ones(1, dtype=np.int64)))
        except Exception as error:  # ONNX Runtime's errors have no class in common
            raise ExtractionError(
                f"{self.folder}: model.onnx is not the encoder of tokenizer.json ({type(error).__name__})"
            ) from error
        if states.shape != (1, width) or not np.isfinite(states).all():
            raise ExtractionError(f"{self.folder}: model.onnx is not the encoder of heads.npz")

    @cached_property
    def fingerprint(self) -> str:
        """The model's identity, from the content of its files."""
        digest = sha256()
        for name in FILES:
            digest.update((self.folder / name).read_bytes())
        return digest.hexdigest()[:16]

    def __call__(self, texts: Sequence[str]) -> list[Document]:
        """Return one document a text, in order; a text's result does not depend on the others."""
        with one_thread():
            return list(read_texts(texts, self._tokenizer, self._encode, self._reading, self._known))

    def read_relations(self, documents: Sequence[Document]) -> list[Document]:
        """Return the documents with the relations that the model reads between their mentions."""
        with one_thread():
            return [read_given(document, self._tokenizer, self._states, self._reading) for document in documents]

    def _encode(self, windows: Iterable[Window]) -> Iterator[Array]:
        """Yield the states of each window, in order; the next ones are encoded while those of one are read."""
        if self._threads == 1:
            yield from map(self._states, windows)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            under_way: deque[Future[Array]] = deque()
            for window in windows:
                under_way.append(pool.submit(self._states, window))
                if len(under_way) > AHEAD * self._threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()

    def _states(self, window: Window) -> Array:
        """Return the states of a window's words, ``(words, hidden)``."""
        states: Array = self._session.run(["states"], {"ids": window.ids[None], "heads": window.heads})[0]
        return states


def _open_session(file: Path) -> InferenceSession:
    """Return the encoder of a file.

    Raises:
        ExtractionError: If it is no model, or one of other inputs and outputs.
    """
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised
    try:  # without its fallback, which there is none to here and which prints four lines
        session = InferenceSession(str(file), options, providers=["CPUExecutionProvider"], enable_fallback=0)
        inputs = {(put.name, put.type) for put in session.get_inputs()}
        outputs = [put.name for put in session.get_outputs()]
    except Exception as error:  # ONNX Runtime's errors have no class in common
        raise ExtractionError(f"{file}: not a model that ONNX Runtime reads ({type(error).__name__})") from error
    if inputs != {("ids", "tensor(int64)"), ("heads", "tensor(int64)")}:
        raise ExtractionError(f"{file}: expected the inputs ids and heads of whole numbers, found others")
    if outputs != ["states"]:
        raise ExtractionError(f"{file}: expected the output states, found another")
    return session


def _load_reading(folder: Path) -> Reading:
    """Return what ``config.json`` and ``heads.npz`` say."""
    config = read_config(folder / "config.json")
    for name in ("encoder", "encoder_config"):  # for who trains on
        config.pop(name, None)
    heads = read_heads(folder / "heads.npz", config["labels"], config["relations"])
    try:
        return Reading(**config, weights=laid_out(heads))
    except TypeError as error:
        raise ExtractionError(f"{folder}: no exported joint model: config.json has unknown keys") from error
