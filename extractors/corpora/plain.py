"""Texts without annotations, to learn words from: MTSamples and PubMedQA as published."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from extractors.strict_json import loads


def read_plain(data: Path) -> Iterator[str]:
    """Yield the notes of MTSamples and the questions of PubMedQA with their abstracts.

    Args:
        data: The folder that holds ``mtsamples`` and ``pubmedqa_pqal``.
    """
    with gzip.open(data / "mtsamples" / "mtsamples.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (loads(line)["text"] for line in lines)
    with gzip.open(data / "pubmedqa_pqal" / "ori_pqal.json.gz", "rt", encoding="utf-8") as file:
        for item in loads(file.read()).values():
            yield "\n".join([item["QUESTION"], *item["CONTEXTS"], item["LONG_ANSWER"]])
