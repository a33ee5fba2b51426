"""Teaching an encoder: what is hidden, what is learnt, and that an interruption changes nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from extractors.document import Document, ExtractionError, Mention
from extractors.encode import special
from extractors.networks.encoders import load_encoder, load_tokenizer_of
from extractors.training.adapt import AdaptConfig, Masked, Stretch, adapt_encoder, hide, stretches
from extractors.training.silver import project, term_table

TEXTS = ["severe pain in the chest .", "a mild lesion of the liver was noted .", "no fever today ."]
ANNOTATED = {"toy": [Document("severe pain", (Mention(7, 11, "Finding", "pain"),), ())]}


@pytest.fixture
def config(encoder: Path) -> AdaptConfig:
    return AdaptConfig(str(encoder), steps=60, batch_subwords=64, encoder_rate=5e-3, head_rate=1e-2, bf16=False)


def masked(encoder: Path, share: float, seed: int) -> tuple[Masked, list[Stretch]]:
    """The toy texts as one batch."""
    tokenizer = load_tokenizer_of(str(encoder))
    items = list(stretches([*TEXTS, "lesional unwell"], ANNOTATED, {"toy": ["Finding"]}, tokenizer, 64))
    config = AdaptConfig(masked=share)
    return hide(items, np.random.default_rng(seed), config, special(tokenizer, "[MASK]"), 100), items


@pytest.mark.parametrize("seed", range(5))
def test_whole_words_are_hidden_and_never_the_special_tokens(encoder: Path, seed: int) -> None:
    batch, items = masked(encoder, 0.5, seed)
    for row, item in enumerate(items):
        hidden = batch.hidden[row].tolist()
        assert not hidden[0]
        assert not any(hidden[len(item.ids) - 1 :])
        for first, last in zip(item.heads, [*item.heads[1:], len(item.ids) - 1], strict=True):
            assert len(set(hidden[first:last])) == 1


def test_what_is_not_hidden_stands_as_written_and_gold_is_what_stood_there(encoder: Path) -> None:
    batch, items = masked(encoder, 0.3, 1)
    written = torch.zeros_like(batch.ids)
    for row, item in enumerate(items):
        written[row, : len(item.ids)] = torch.from_numpy(item.ids)
    assert torch.equal(batch.ids[~batch.hidden], written[~batch.hidden])
    assert torch.equal(batch.gold, written[batch.hidden])
    assert 0 < len(batch.gold) < int(batch.mask.sum())


def test_tags_are_those_of_the_annotated_documents_words(encoder: Path) -> None:
    batch, items = masked(encoder, 0.3, 1)
    rows, positions, tags = batch.tagged["toy"]
    assert set(rows.tolist()) == {len(items) - 1}
    assert positions.tolist() == items[-1].heads.tolist()
    assert tags.tolist() == [0, 1]  # severe: outside, pain: begins a Finding


def test_hidden_words_and_tags_are_learnt_by_heart(config: AdaptConfig, tmp_path: Path) -> None:
    lines: list[str] = []
    adapt_encoder(TEXTS * 8, {"toy": ANNOTATED["toy"] * 8}, tmp_path, config, lines.append, every=5)
    told = [float(line.split("loss ")[1].split(" ")[0]) for line in lines if "loss" in line]
    assert told[-1] < 0.5 * told[0]
    assert float(lines[-1].split("+ ")[1].split(";")[0]) < 0.1


def test_the_folder_is_an_encoder_to_train_with(config: AdaptConfig, encoder: Path, tmp_path: Path) -> None:
    adapt_encoder(TEXTS, {}, tmp_path, replace(config, steps=2), lambda line: None)
    found, before = load_encoder(str(tmp_path)), load_encoder(str(encoder))
    assert found.config.hidden_size == before.config.hidden_size
    assert load_tokenizer_of(str(tmp_path)).encode("chest").ids == load_tokenizer_of(str(encoder)).encode("chest").ids
    name = "encoder.layer.0.output.dense.weight"
    assert not torch.equal(found.state_dict()[name], before.state_dict()[name])


def test_interrupted_it_ends_as_if_it_had_not_been(config: AdaptConfig, tmp_path: Path) -> None:
    config = replace(config, steps=12)
    adapt_encoder(TEXTS, ANNOTATED, tmp_path / "whole", config, lambda line: None)

    def stop(line: str) -> None:
        if line.startswith("step 8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt_encoder(TEXTS, ANNOTATED, tmp_path / "halves", config, stop, every=4)
    torch.manual_seed(99)
    adapt_encoder(TEXTS, ANNOTATED, tmp_path / "halves", config, lambda line: None, every=4)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "halves"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_without_text_there_is_one_clear_line(config: AdaptConfig, tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"^encoder: no text to learn from$"):
        adapt_encoder([], {}, tmp_path, config, lambda line: None)


def test_the_longest_term_is_found_and_none_twice() -> None:
    table = term_table([("liver", "ANATOMY"), ("liver failure", "DISEASE"), ("Failure, Liver", "DISEASE")])
    (found,) = project(["Acute LIVER failure; the liver failed."], table)
    assert [(m.text, m.label) for m in found.mentions] == [("LIVER failure", "DISEASE"), ("liver", "ANATOMY")]
