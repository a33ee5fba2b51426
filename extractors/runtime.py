"""The exported joint model on ONNX Runtime: reads texts without torch."""

import json
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
from extractors.encode import Pieces, Window, load_tokenizer
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
        ExtractionError: If a file is missing, or the configuration is of another kind.
    """

    def __init__(self, folder: Path = SHIPPED, threads: int = 0) -> None:
        self.folder = folder
        for name in FILES:
            if not (folder / name).is_file():
                raise ExtractionError(f"{folder}: no exported joint model: {name} is missing")
        self._threads = threads if threads > 0 else os.cpu_count() or 1
        self._reading = _load_reading(folder)
        self._tokenizer = load_tokenizer(folder)
        self._known: dict[str, Pieces] = {}

    @cached_property
    def _session(self) -> InferenceSession:
        """The encoder, loaded when the first text is read."""
        options = SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        return InferenceSession(str(self.folder / "model.onnx"), options, providers=["CPUExecutionProvider"])

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


def _load_reading(folder: Path) -> Reading:
    """Return what ``config.json`` and ``heads.npz`` say."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        for name in ("encoder", "encoder_config"):  # for who trains on
            config.pop(name, None)
        with np.load(folder / "heads.npz", allow_pickle=False) as arrays:
            weights = laid_out(arrays)
        names = {key: tuple(config[key]) for key in ("labels", "relations", "local")}
        return Reading(**config | names, weights=weights)
    except (ValueError, KeyError, TypeError) as error:
        raise ExtractionError(
            f"{folder}: no exported joint model: config.json or heads.npz is of another kind"
        ) from error
