"""Training that goes on from a trained model: a model folder, an exported one, the shipped one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from extractors.document import ExtractionError
from extractors.networks.bilstm import count_words
from extractors.networks.joint import JointConfig, JointModel
from extractors.networks.vectors import random_vectors
from extractors.runtime import SHIPPED
from extractors.training.export import export_model
from extractors.training.loop import Watch, read_epochs, train_joint
from extractors.training.parts import Source
from extractors.training.recipes import train_corpus
from extractors.training.start import Start, load_start, new_model
from extractors.training.store import load_model
from kgbuild.cli import cli
from tests.test_joint import LABELS, NOTES, QUICK, RELATIONS, document
from tests.test_training import brat, plan

pytestmark = [pytest.mark.usefixtures("_one_thread"), pytest.mark.xdist_group("start")]  # what they share is made once


def config_of(encoder: Path) -> JointConfig:
    return JointConfig(LABELS, RELATIONS, str(encoder), label_size=16, pair_size=32, dropout=0.0, limit=40, context=8)


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with both exported forms."""
    folder = tmp_path_factory.mktemp("start")
    train_joint(NOTES * 4, NOTES, folder, config_of(encoder), replace(QUICK, epochs=6, batch_subwords=40), Watch())
    export_model(folder, folder / "exported")
    export_model(folder, folder / "full", int8=False)
    return folder


def test_weights_of_an_export_in_single_precision_are_those_of_the_model(trained: Path) -> None:
    own, found = load_model(trained).state_dict(), load_start(trained / "full").weights
    assert own.keys() == found.keys()
    assert all(torch.equal(own[name], found[name]) for name in own)


def test_8_bit_weights_are_multiplied_out(trained: Path) -> None:
    own, found = load_model(trained).state_dict(), load_start(trained / "exported").weights
    assert own.keys() == found.keys()
    for name, value in own.items():
        step = value.abs().max() * 2 / 127  # at most: per column, 255 steps over its range
        assert (own[name] - found[name]).abs().max() <= step, name
    matrices = [name for name in own if name.startswith("encoder.") and own[name].ndim == 2]
    assert any(not torch.equal(own[name], found[name]) for name in matrices)


@pytest.mark.parametrize("form", [".", "exported", "full"])
def test_training_goes_on_with_heads_where_labels_and_relations_are_the_same(
    form: str, trained: Path, encoder: Path, tmp_path: Path
) -> None:
    """The first epoch begins about where the last of the earlier training ended."""
    training = replace(QUICK, epochs=1, batch_subwords=40)
    train_joint(NOTES * 4, NOTES, tmp_path, config_of(encoder), training, Watch(), start=load_start(trained / form))
    before, (after,) = read_epochs(trained), read_epochs(tmp_path)
    assert after.mention_loss < 0.5 * before[0].mention_loss
    assert after.goal >= before[-1].goal - 0.05


def test_a_model_of_other_labels_gives_its_encoder(trained: Path, encoder: Path) -> None:
    start = load_start(trained)
    config = replace(config_of(encoder), labels=("Other",))
    model = JointModel(config, start.encoder())
    emission = model.emission.weight.clone()
    assert not start.put_into(model)
    assert torch.equal(model.emission.weight, emission)
    name = "encoder.embeddings.word_embeddings.weight"
    assert torch.equal(model.state_dict()[name], start.weights[name])


def test_a_model_with_heads_of_another_width_gives_its_encoder(trained: Path, encoder: Path) -> None:
    start = load_start(trained)
    model = JointModel(replace(config_of(encoder), pair_size=8), start.encoder())
    assert not start.put_into(model)


def test_a_run_that_goes_on_from_another_model_is_another_run(trained: Path, encoder: Path, tmp_path: Path) -> None:
    training = replace(QUICK, epochs=1, batch_subwords=40)
    train_joint(NOTES, NOTES, tmp_path, config_of(encoder), training, Watch(), start=load_start(trained))
    other = load_start(trained / "exported")
    with pytest.raises(ExtractionError, match="checkpoint of another run: model begun with differ"):
        train_joint(NOTES, NOTES, tmp_path, config_of(encoder), training, Watch(), start=other)


def test_a_window_longer_than_the_encoder_is_refused(trained: Path, encoder: Path) -> None:
    with pytest.raises(ExtractionError, match="it holds 512 subwords, and a window may have 600"):
        new_model(replace(config_of(encoder), limit=600), None, load_start(trained))


def test_what_is_taken_over_is_told_and_what_was_learnt_before_is_remembered(encoder: Path, tmp_path: Path) -> None:
    texts = [f"[pain|Finding] in the [{place}|Site]." for place in ("chest", "liver", "lung", "left kidney", "mass")]
    (tmp_path / "brat").mkdir()
    source = Source(
        "brat", brat(tmp_path / "brat", [document(text, (1, 0, "MODIFY")) for text in texts]), ratio=(3, 1, 1)
    )
    first = train_corpus(source, plan(encoder), tmp_path / "first", Watch(), lambda line: None)
    said: list[str] = []
    on = replace(plan(encoder), start=tmp_path / "first" / "exported")
    again = train_corpus(replace(source, seed=source.seed + 1), on, tmp_path / "again", Watch(), said.append)
    assert "goes on from exported: encoder and heads" in said
    assert any(line.startswith("warning: exported has learnt from ") for line in said)
    assert set(again["learnt"]) > set(first["learnt"]) and again["model"]["encoder"] == str(encoder)
    assert "| goes on from | exported |" in (tmp_path / "again" / "README.md").read_text()


def test_the_shipped_model_can_be_trained_on() -> None:
    start = load_start(SHIPPED)
    assert isinstance(start, Start) and "Disease_disorder" in start.labels
    encoder = start.encoder()
    own = {f"encoder.{name}": value.shape for name, value in encoder.state_dict().items()}
    assert own == {name: value.shape for name, value in start.weights.items() if name.startswith("encoder.")}


def test_an_exported_bilstm_is_refused(tmp_path: Path) -> None:
    vectors = random_vectors(count_words(note.text for note in NOTES), 16, seed=1)
    config = JointConfig(LABELS, RELATIONS, "bilstm", label_size=16, pair_size=32, limit=40, context=8)
    train_joint(NOTES, NOTES, tmp_path / "run", config, replace(QUICK, epochs=1), Watch(), vectors)
    export_model(tmp_path / "run", tmp_path / "exported", int8=False)
    with pytest.raises(ExtractionError, match="an exported bilstm cannot be trained further; its model folder can"):
        load_start(tmp_path / "exported")
    assert load_start(tmp_path / "run").labels == LABELS


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=f"^{tmp_path}: no model to go on from"):
        load_start(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ExtractionError, match=f"^{tmp_path}: no model to go on from"):
        load_start(tmp_path)


def test_a_model_to_go_on_from_brings_its_own_encoder(tmp_path: Path) -> None:
    call = ["train", "joint", "brat", str(tmp_path), "-o", str(tmp_path / "out"), "--from", str(SHIPPED)]
    done = CliRunner().invoke(cli, [*call, "--encoder", "all-MiniLM-L6-v2"])
    assert (done.exit_code, "--from brings its own encoder" in done.output) == (2, True)
