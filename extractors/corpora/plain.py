"""Texts without annotations, to learn words from: MTSamples and PubMedQA as published."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path


def read_plain(data: Path) -> Iterator[str]:
    """Yield the notes of MTSamples and the questions of PubMedQA with their abstracts.

    Args:
        data: The folder that holds ``mtsamples`` and ``pubmedqa_pqal``.
    """
    with gzip.open(data / "mtsamples" / "mtsamples.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line)["text"] for line in lines)
    with gzip.open(data / "pubmedqa_pqal" / "ori_pqal.json.gz", "rt", encoding="utf-8") as file:
        for item in json.load(file).values():
            yield "\n".join([item["QUESTION"], *item["CONTEXTS"], item["LONG_ANSWER"]])
