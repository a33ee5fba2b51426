"""Model folders that were damaged: one line that names folder and file, before any text is read."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import load_file, save_file

from extractors import folders, load, runtime
from extractors.document import ExtractionError
from extractors.encode import load_tokenizer
from extractors.networks.encoders import load_encoder
from extractors.networks.joint import JointConfig, JointModel
from extractors.training import start, store
from extractors.training.export import export_model
from extractors.training.start import load_start
from extractors.training.store import save_model
from kgbuild.cli import main
from tests.hanging import ended_after

pytestmark = pytest.mark.usefixtures("_one_thread")

EXPORTED = runtime.FILES
TRAINED = store.FILES

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def models(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that has learnt nothing, in ``trained`` and ``exported``."""
    folder = tmp_path_factory.mktemp("models")
    config = JointConfig(
        ("Finding", "Site"), ("MODIFY",), str(encoder), label_size=8, pair_size=8, dropout=0.0, limit=40, context=8
    )
    torch.manual_seed(0)
    model = JointModel(config, load_encoder(str(encoder)))
    with torch.no_grad():  # all weights differ: of two that are alike an exported model holds one
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.01)
    model.forbid()
    save_model(model, folder / "trained", load_tokenizer(encoder))
    export_model(folder / "trained", folder / "exported", int8=False)
    return folder


@pytest.fixture
def exported(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models / "exported", tmp_path / "model"))


@pytest.fixture
def trained(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models / "trained", tmp_path / "model"))


@pytest.fixture(autouse=True)
def _in_a_minute() -> Iterator[None]:
    with ended_after(60):
        yield


def told(folder: Path, open_model: Callable[[Path], object] = load) -> str:
    """Return what is said of a model folder that cannot be opened, in one line that begins with its name."""
    with pytest.raises(ExtractionError) as error:
        open_model(folder)
    line = str(error.value)
    assert line.startswith(str(folder)) and line.isprintable() and len(line) < 1000
    return line.removeprefix(str(folder))


def _write(content: bytes) -> Damage:
    def write(file: Path) -> None:
        file.write_bytes(content)

    return write


def _halve(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _cut_end(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def _zero(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def _to_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _to_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _to_loop(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


DAMAGE: dict[str, Damage] = {
    "missing": Path.unlink,
    "empty": _write(b""),
    "cut in half": _halve,
    "cut at its end": _cut_end,
    "zeros": _zero,
    "garbage": _write(np.random.default_rng(1).bytes(5000)),
    "list": _write(b"[]"),
    "null": _write(b"null"),
    "number": _write(b"1e999"),
    "object": _write(b"{}"),
    "nested": _write(b"[" * 200_000),
    "a folder": _to_folder,
    "a pipe": _to_pipe,
    "a loop of links": _to_loop,
    "unreadable": lambda file: file.chmod(0),
}

damages = pytest.mark.parametrize(
    "damage",
    [
        pytest.param(
            damage,
            id=name,
            marks=pytest.mark.skipif(
                (name == "a pipe" and not hasattr(os, "mkfifo"))
                or (name == "unreadable" and (os.name == "nt" or os.geteuid() == 0)),
                reason="this system has no pipes in folders, or root reads all",
            ),
        )
        for name, damage in DAMAGE.items()
    ],
)


# --- any file, any damage -----------------------------------------------------------------------------------------
def test_whole_folders_are_opened(exported: Path, models: Path) -> None:
    texts = ["severe pain in the chest"]
    assert load(exported)(texts)[0].text == load(models / "trained", runtime="torch")(texts)[0].text == texts[0]
    assert load_start(exported).labels == load_start(models / "trained").labels == ("Finding", "Site")
    assert start.EXPORTED == EXPORTED


@damages
@pytest.mark.parametrize("name", EXPORTED)
@pytest.mark.parametrize("open_model", [load, load_start])
def test_damaged_file_of_an_exported_model_is_named(
    exported: Path, name: str, damage: Damage, open_model: Callable[[Path], object]
) -> None:
    damage(exported / name)
    assert name in told(exported, open_model)


@damages
@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize(
    "open_model", [lambda folder: load(folder, runtime="torch"), load_start], ids=["load", "start"]
)
def test_damaged_file_of_a_trained_model_is_named(
    trained: Path, name: str, damage: Damage, open_model: Callable[[Path], object]
) -> None:
    damage(trained / name)
    assert name in (line := told(trained, open_model)) or (name == "model.safetensors" and "no model" in line)


@pytest.mark.parametrize("open_model", [load, load_start])
def test_file_in_the_place_of_a_folder_is_named(tmp_path: Path, open_model: Callable[[Path], object]) -> None:
    (tmp_path / "model").write_text("x")
    assert "expected a folder, found a file" in told(tmp_path / "model", open_model)
    assert "expected a folder, found none" in told(tmp_path / "none", open_model)


# --- values -------------------------------------------------------------------------------------------------------
VALUES: list[tuple[str, Any]] = [
    ("labels", None), ("labels", []), ("labels", "Finding"), ("labels", [1, 2]), ("labels", ["Finding", ""]),
    ("labels", ["Finding", "Finding"]), ("labels", ["Finding"]), ("labels", ["a", "b", "c"]), ("labels", {"a": 1}),
    ("relations", None), ("relations", ["MODIFY", "CAUSE"]), ("relations", []), ("relations", [["MODIFY"]]),
    ("local", ["CAUSE"]), ("local", 3), ("limit", 0), ("limit", -256), ("limit", 10**9), ("limit", "256"),
    ("limit", 40.5), ("limit", True), ("limit", None), ("limit", 10**400), ("context", -1), ("context", 41),
    ("context", []), ("threshold", -0.1), ("threshold", 1.1), ("threshold", float("nan")), ("threshold", "high"),
    ("threshold", None), ("mention_threshold", float("inf")), ("mention_threshold", {}), ("sentences", -1),
    ("sentences", "one"), ("colour", "red"), ("encoder_config", []),
]  # fmt: skip


def change(folder: Path, key: str, value: object) -> None:
    """Change a value of ``config.json``; None takes it out, ``encoder.KEY`` is one of the encoder's."""
    config = json.loads((folder / "config.json").read_text())
    values, key = (config["encoder_config"], key[8:]) if key.startswith("encoder.") else (config, key)
    if value is None:
        del values[key]
    else:
        values[key] = value
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(("key", "value"), VALUES, ids=lambda value: str(value)[:20])
def test_value_that_no_model_has_is_told(exported: Path, key: str, value: object) -> None:
    change(exported, key, value)
    assert "config.json" in (line := told(exported)) or "heads.npz" in line


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *VALUES, ("label_size", 10**9), ("label_size", 9), ("pair_size", 10**12), ("pair_size", -8), ("pair_size", "8"),
        ("selection", "words"), ("dropout", 7), ("encoder.hidden_size", 10**9), ("encoder.hidden_size", 33),
        ("encoder.hidden_size", -32), ("encoder.hidden_size", "32"), ("encoder.hidden_size", 0),
        ("encoder.num_hidden_layers", 10**9), ("encoder.num_hidden_layers", 3), ("encoder.num_hidden_layers", -1),
        ("encoder.num_attention_heads", 0), ("encoder.num_attention_heads", 7), ("encoder.vocab_size", 10**10),
        ("encoder.vocab_size", 9), ("encoder.vocab_size", None), ("encoder.intermediate_size", 10**11),
        ("encoder.max_position_embeddings", 10**12), ("encoder.max_position_embeddings", 20),
        ("encoder.model_type", "none"), ("encoder.model_type", None), ("encoder.model_type", ["bert"]),
        ("encoder.model_type", "bilstm"), ("encoder.model_type", "gpt2"), ("encoder.hidden_act", "none"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_value_that_does_not_fit_the_weights_is_told(trained: Path, key: str, value: object) -> None:
    change(trained, key, value)
    told(trained, lambda folder: load(folder, runtime="torch"))
    if key.startswith("encoder."):
        told(trained, load_start)


def _pickled() -> np.ndarray[Any, Any]:
    return np.array([{"a": 1}], dtype=object)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("emission.weight", None), ("emission.bias", None), ("crf.transitions", None), ("label.weight", None),
        ("pair.as_head.weight", None), ("pair.order.weight", None), ("pair.between.weight", None),
        ("pair.relation.bias", None), ("emission.weight", np.ones((5, 31), np.float32)),
        ("emission.weight", np.ones(160, np.float32)), ("emission.weight", np.ones((4, 32), np.float32)),
        ("emission.bias", np.ones(5, np.int64)), ("emission.bias", np.array(["a"] * 5)),
        ("emission.bias", np.full(5, np.nan, np.float32)), ("emission.bias", np.full(5, np.inf, np.float32)),
        ("emission.bias", np.ones(5, np.complex64)), ("emission.bias", _pickled()),
        ("pair.as_head.weight", np.ones((8, 71), np.float32)), ("pair.context.weight", np.ones((4, 31), np.float32)),
    ],
)  # fmt: skip
def test_weights_behind_the_encoder_that_are_none_are_told(
    exported: Path, name: str, array: np.ndarray[Any, Any] | None
) -> None:
    with np.load(exported / "heads.npz") as arrays:
        weights = dict(arrays)
    if array is None:
        del weights[name]
    else:
        weights[name] = array
    np.savez(exported / "heads.npz", **weights)
    assert "heads.npz" in told(exported)


def test_array_that_says_it_is_larger_than_its_file_is_told(exported: Path) -> None:
    np.savez(exported / "heads.npz", bias=np.ones(5, np.float32))
    (exported / "heads.npz").write_bytes(
        (exported / "heads.npz").read_bytes().replace(b"(5,), }", b"(5555555555555,), }")
    )
    assert "heads.npz: not arrays that can be read" in told(exported)


def test_archive_that_unpacks_to_more_than_any_model_is_told(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_MOST_BYTES", 1 << 20)
    np.savez_compressed(exported / "heads.npz", x=np.zeros(1 << 20, np.float32))
    assert "heads.npz: expected at most 1048576 bytes of arrays, found 4194432" in told(exported)


@pytest.mark.parametrize("fault", ["missing", "nan", "shape", "whole"])
def test_weights_of_a_trained_model_that_are_none_are_told(trained: Path, fault: str) -> None:
    tensors = load_file(trained / "model.safetensors")
    name = "encoder.embeddings.word_embeddings.weight"
    if fault == "missing":
        del tensors[name]
    elif fault == "nan":
        tensors[name][0, 0] = torch.nan
    elif fault == "shape":
        tensors[name] = tensors[name][:-1].contiguous()
    else:
        tensors["emission.weight"] = tensors["emission.weight"].long()
    save_file(tensors, trained / "model.safetensors")
    told(trained, lambda folder: load(folder, runtime="torch"))
    if fault != "whole":
        told(trained, load_start)


# --- files of other models ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["[CLS]", "[SEP]", "[UNK]", "more words"])
@pytest.mark.parametrize("kind", ["exported", "trained"])
def test_tokenizer_of_another_model_is_told(models: Path, tmp_path: Path, kind: str, fault: str) -> None:
    folder = Path(shutil.copytree(models / kind, tmp_path / "model"))
    state = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = state["model"]["vocab"]
    if fault == "more words":
        vocabulary["appendicitis"] = len(vocabulary)
    else:
        vocabulary[f"<{fault}>"] = vocabulary.pop(fault)
        state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] != fault]
    (folder / "tokenizer.json").write_text(json.dumps(state))
    assert "tokenizer.json" in told(folder)
    assert "tokenizer.json" in told(folder, load_start)


def graph(**names: Any) -> bytes:  # noqa: ANN401 (of several types)
    """Return an ONNX file of two inputs and an output of zeros."""
    ids = helper.make_tensor_value_info(names.get("ids", "ids"), names.get("kind", TensorProto.INT64), [1, None])
    heads = helper.make_tensor_value_info("heads", TensorProto.INT64, [None])
    states = helper.make_tensor_value_info(names.get("states", "states"), TensorProto.FLOAT, [None, None])
    width = names.get("width", 32)
    value = helper.make_tensor("value", TensorProto.FLOAT, [1, width], [names.get("value", 0.0)] * width)
    nodes = [helper.make_node("Constant", [], [names.get("states", "states")], value=value)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [ids, heads], [states]), opset_imports=[helper.make_opsetid("", 18)], ir_version=8
    )
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"ids": "input_ids"}, "model.onnx: expected the inputs ids and heads"),
        ({"kind": TensorProto.FLOAT}, "model.onnx: expected the inputs ids and heads"),
        ({"states": "logits"}, "model.onnx: expected the output states"),
        ({"width": 31}, "model.onnx is not the encoder of heads.npz"),
        ({"value": float("nan")}, "model.onnx is not the encoder of heads.npz"),
    ],
)
def test_graph_of_another_model_is_told(exported: Path, names: dict[str, Any], message: str) -> None:
    (exported / "model.onnx").write_bytes(graph(**names))
    assert message in told(exported)
    assert "model.onnx" in told(exported, load_start)


def test_graph_with_names_that_are_no_text_is_told_and_nothing_is_printed(
    exported: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = graph(states="statez")
    (exported / "model.onnx").write_bytes(content.replace(b"statez", b"state\xb1"))
    assert "model.onnx" in told(exported)
    assert capfd.readouterr() == ("", "")


def test_graph_that_wants_a_file_that_is_not_there_is_told(exported: Path) -> None:
    model = onnx.load(exported / "model.onnx")
    onnx.save(model, exported / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    (exported / "weights").unlink()
    assert "model.onnx" in told(exported)
    assert "model.onnx" in told(exported, load_start)


# --- by the command line --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["config.json", "model.onnx"])
@pytest.mark.parametrize(
    "command",
    [
        ["ingest", "notes", "--model", "model", "--store", "kg"],
        ["extract", "notes", "--model", "model"],
        ["evaluate", "model", "brat", "notes"],
        ["train", "joint", "brat", "notes", "-o", "out", "--from", "model"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_tells_of_a_damaged_model_in_one_line(
    exported: Path,
    command: list[str],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(exported.parent)
    monkeypatch.setenv("KGBUILD_HOME", str(exported.parent / "home"))
    (exported.parent / "notes").mkdir()
    for i in range(3):
        (exported.parent / "notes" / f"{i}.txt").write_text("pain in the chest")
        (exported.parent / "notes" / f"{i}.ann").write_text("T1\tFinding 0 4\tpain\n")
    (exported / name).write_bytes(b"damaged" * 99)
    monkeypatch.setattr("sys.argv", ["kgbuild", *command])
    with pytest.raises(SystemExit, match="1"):
        main()
    out, said = capfd.readouterr()
    assert out == "" and said.startswith("Error: model") and name in said and said.count("\n") == 1
    assert not (exported.parent / "kg").exists() and not (exported.parent / "out").exists()
