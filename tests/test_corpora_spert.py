"""SpERT-style JSON and the folds of ADE, on items written by hand."""

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.corpora.ade import read_ade, read_fold
from extractors.corpora.annotated import Annotated
from extractors.corpora.spert import read_spert, token_document
from extractors.document import ExtractionError
from extractors.text import words

TOKENS = ["Rash", "after", "34-year", "-", "old", "aspirin", "."]
KEYED: dict[str, object] = {
    "tokens": TOKENS,
    "entities": [{"type": "Effect", "start": 0, "end": 1}, {"type": "Drug", "start": 4, "end": 6}],
    "relations": [{"type": "Adverse", "head": 0, "tail": 1}],
    "orig_id": 17,
}
FLAT: dict[str, object] = {
    "tokens": TOKENS,
    "entities": [[0, 1, "Effect"], [4, 6, "Drug"]],
    "relations": [[0, 1, 4, 6, "Adverse"]],
}


def write(file: Path, *items: object) -> Path:
    file.write_text(json.dumps(items))
    return file


def test_an_item_reads_as_tokens_with_a_blank_between(tmp_path: Path) -> None:
    (item,) = read_spert(write(tmp_path / "train.json", KEYED))
    assert (item.id, item.document.text) == ("train/17", "Rash after 34-year - old aspirin .")
    assert [(m.label, m.text) for m in item.document.mentions] == [("Effect", "Rash"), ("Drug", "old aspirin")]
    assert [(r.head.text, r.label, r.tail.text) for r in item.document.relations] == [
        ("Rash", "Adverse", "old aspirin")
    ]


def test_both_layouts_read_alike(tmp_path: Path) -> None:
    keyed, flat = read_spert(write(tmp_path / "train.json", KEYED, FLAT))
    assert keyed.document == flat.document


def test_lists_lines_and_packed_files_of_a_folder_read_in_order_without_the_types(tmp_path: Path) -> None:
    write(tmp_path / "b.json", FLAT)
    (tmp_path / "a.jsonl").write_text(f"\ufeff{json.dumps(KEYED)}\r\n\n{json.dumps(FLAT)}")
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(json.dumps([KEYED]).encode()))
    (tmp_path / "x_types.json").write_text('{"entities": {}}')
    assert [item.id.split("/")[0] for item in read_spert(tmp_path)] == ["a", "a", "b", "c"]


@given(st.lists(st.text(st.characters(exclude_categories=("Z", "C")), min_size=1), min_size=1), st.data())
def test_spans_of_tokens_are_spans_of_whole_words(tokens: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(tokens) - 1))
    end = data.draw(st.integers(start + 1, len(tokens)))
    item: dict[str, object] = {"tokens": tokens, "entities": [[start, end, "X"]], "relations": []}
    (mention,) = token_document("here", item).mentions
    text = " ".join(tokens)
    assert mention.text == text[mention.start : mention.end] == " ".join(tokens[start:end])
    assert mention.start in {first for first, _ in words(text)}
    assert mention.end in {last for _, last in words(text)}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tokens": "Rash"}, "expected list 'tokens', found str"),
        ({"tokens": []}, "expected 'tokens' that are words"),
        ({"tokens": ["Rash", ""]}, "expected 'tokens' that are words"),
        ({"entities": None}, "expected list 'entities', found NoneType"),
        ({"entities": [[0, 1]]}, "entity 1: expected start, end and type"),
        ({"entities": [[0, 8, "Drug"]]}, "entity 1: tokens 0-8 leave the 7 of the text"),
        ({"entities": [[1, 1, "Drug"]]}, "entity 1: tokens 1-1 leave the 7 of the text"),
        ({"entities": [[0, 1, "Drog"]]}, "entity 1: label 'Drog' is not among Drug, Effect"),
        ({"relations": [[0, 1, 2, 3, "Adverse"]]}, "relation 1: no entity 0-1 or none 2-3"),
        ({"relations": [[0, 1, 4, 6, "Good"]]}, "relation 1: relation 'Good' is not among Adverse"),
        ({"relations": [{"type": "Adverse", "head": 0, "tail": 2}]}, "relation 1: entities 0, 2 of 2 (from 0)"),
        ({"relations": [{"type": "Adverse", "head": 0}]}, "relation 1: expected head, tail and type"),
    ],
)
def test_a_bad_item_is_named_by_file_and_number(changed: dict[str, object], message: str, tmp_path: Path) -> None:
    file = write(tmp_path / "t.json", KEYED, FLAT | changed)
    with pytest.raises(ExtractionError, match=re.escape(f"{file}: item 2") + "[:,] " + re.escape(message)) as caught:
        read_spert(file, {"Drug", "Effect"}, {"Adverse"})
    assert "Rash" not in str(caught.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="item 1: expected list 'relations', found none"):
        read_spert(write(tmp_path / "t.json", {"tokens": ["a"], "entities": []}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[\n{"tokens": ]', "t.json:2: expected JSON: Expecting value"),
        ('{"tokens": ["a"], "entities": [], "relations": []}\n{"tokens"', "t.json:2: expected JSON: "),
        ("[3]", "t.json: item 1: expected an object, found int"),
        ("\n3", "t.json:2: expected an object, found int"),
    ],
)
def test_broken_json_is_named_by_file_and_line(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}/{message}")):
        read_spert(tmp_path)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"[" + b"1," * 500, mtime=0)[:-9]])
def test_a_broken_gzip_file_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.json.gz").write_bytes(content)
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}/t.json.gz: expected a whole gzip file")):
        read_spert(tmp_path)


def test_a_folder_without_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=re.escape(f"{tmp_path}: expected a file or a folder with *.json or")):
        read_spert(tmp_path)


def ade(folder: Path) -> Path:
    """Fold 0 of a corpus of three sentences, one of them in DRUG-AE.rel."""
    (folder / "folds").mkdir()
    parts = {"train": "Rash after aspirin .", "valid": "Fever after ( - ) zinc .", "test": "Pain after gold ."}
    for part, text in parts.items():
        item = {
            "tokens": text.split(),
            "entities": [[0, 1, "Adverse-Effect"], [len(text.split()) - 2, len(text.split()) - 1, "Drug"]],
            "relations": [[0, 1, len(text.split()) - 2, len(text.split()) - 1, "Adverse-Effect"]],
        }
        (folder / "folds" / f"{part}.ADE0.json.gz").write_bytes(gzip.compress(json.dumps([item]).encode()))
    (folder / "DRUG-AE.rel").write_text("123|Fever after (-)zinc.|Fever|0|5|zinc|15|19\n")
    return folder


def test_a_fold_of_ade_has_its_three_parts_and_the_pmids_that_are_known(tmp_path: Path) -> None:
    fold = read_fold(ade(tmp_path), 0)
    assert [item.document.text for item in fold.test] == ["Pain after gold ."]
    ids = [part[0].id.partition("/")[0] for part in (fold.train, fold.validation, fold.test)]
    assert ids == ["ade", "PMID:123", "ade"]
    (relation,) = fold.validation[0].document.relations
    assert (relation.head.label, relation.tail.text, relation.label) == ("Adverse-Effect", "zinc", "Adverse-Effect")


def test_ade_whole_is_its_parts(tmp_path: Path) -> None:
    fold = read_fold(ade(tmp_path), 0)
    assert sorted(map(_name, read_ade(tmp_path))) == sorted(map(_name, fold.train + fold.validation + fold.test))


def test_a_fold_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="ADE: expected a fold from 0 to 9, found 10"):
        read_fold(ade(tmp_path), 10)


def test_a_line_of_drug_ae_with_other_columns_is_named(tmp_path: Path) -> None:
    ade(tmp_path)
    (tmp_path / "DRUG-AE.rel").write_text("1|a|b\n")
    with pytest.raises(ExtractionError, match=r"DRUG-AE\.rel:1: expected 8 fields between \|, found 3"):
        read_fold(tmp_path, 0)


def _name(item: Annotated) -> str:
    return item.id
