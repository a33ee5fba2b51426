"""Training as a user runs it: parts of a corpus, encoders, checkpoints, model folders, scores; tiny models only."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

import extractors
from extractors.corpora.catalog import READERS
from extractors.document import Document, ExtractionError
from extractors.encode import load_tokenizer
from extractors.networks.bilstm import BiLstmConfig, BiLstmEncoder, bilstm_encoder, count_words, word_tokenizer
from extractors.networks.encoders import check_room, encoder_source, load_encoder, load_tokenizer_of
from extractors.networks.joint import JointConfig, JointModel
from extractors.networks.vectors import random_vectors
from extractors.runtime import JointExtractor
from extractors.training.evaluate import check_fit, evaluation_rows
from extractors.training.export import export_model
from extractors.training.loop import CHECKPOINT, TrainingConfig, Watch, read_epochs, train_joint
from extractors.training.measure import measured
from extractors.training.parts import Source, by_sentence, local_relations, parse_ratio, read_parts, sentence_reach
from extractors.training.recipes import PRESETS, Plan, choose_device, chosen_labels, train_corpus
from extractors.training.store import TorchExtractor, load_model, save_model
from kgbuild import cli_models
from kgbuild.cli import cli
from kgbuild.progress import step_line
from tests.test_joint import LABELS, NOTES, QUICK, RELATIONS, document

pytestmark = pytest.mark.usefixtures("_one_thread")

ROOT = Path(__file__).parents[1]
SHORT = replace(QUICK, epochs=3)
PLACES = ("chest", "liver", "lung", "left kidney", "right kidney", "mm", "mass", "march", "may", "lesion")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten notes in brat: pain somewhere."""
    marked = (f"[pain|Finding] in the [{place}|Site] is stable." for place in PLACES)
    return brat(tmp_path_factory.mktemp("brat"), [document(text, (1, 0, "MODIFY")) for text in marked])


@pytest.fixture(scope="module")
def model(encoder: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as ``kgbuild train joint`` leaves it."""
    folder = tmp_path_factory.mktemp("models") / "pain"
    train_corpus(Source("brat", corpus), plan(encoder), folder, Watch(), lambda line: None)
    return folder


def brat(folder: Path, documents: Sequence[Document]) -> Path:
    """Write documents as brat does."""
    for i, one in enumerate(documents):
        key = {mention: f"T{n}" for n, mention in enumerate(one.mentions, 1)}
        lines = [f"{key[m]}\t{m.label} {m.start} {m.end}\t{m.text}" for m in one.mentions]
        links = [(r.label, key[r.head], key[r.tail]) for r in one.relations]
        lines += [f"R{n}\t{label} Arg1:{head} Arg2:{tail}" for n, (label, head, tail) in enumerate(links, 1)]
        (folder / f"note{i}.txt").write_text(one.text)
        (folder / f"note{i}.ann").write_text("".join(f"{line}\n" for line in lines))
    return folder


def plan(encoder: Path, *, seed: int = 13, head_rate: float = 1e-2) -> Plan:
    config = JointConfig((), (), str(encoder), label_size=8, pair_size=16, dropout=0.0, limit=40, context=8)
    return Plan(config, replace(QUICK, epochs=25, batch_subwords=40, seed=seed, head_rate=head_rate))


# Encoders


def test_the_three_berts_of_the_paper_have_short_names() -> None:
    names = [encoder_source(name) for name in ("bert-books-wiki", "bert-pubmed", "bert-pubmed-mimic")]
    assert names == [
        "bert-base-uncased",
        "bionlp/bluebert_pubmed_uncased_L-12_H-768_A-12",
        "bionlp/bluebert_pubmed_mimic_uncased_L-12_H-768_A-12",
    ]


def test_an_encoder_that_no_hub_gives_is_one_line(tmp_path: Path) -> None:
    code = (
        "from extractors.document import ExtractionError\nfrom extractors.networks.encoders import load_encoder\n"
        "for name in ('bert-pubmed', 'hub:something', 'somebody/something'):\n"
        "    try:\n        load_encoder(name)\n    except ExtractionError as error:\n        print(error)"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, cwd=ROOT, env=offline, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"encoder {name}: no hub gave it (OSError)" for name in ("bert-pubmed", "hub:something", "somebody/something")
    ]


def test_a_bert_that_does_not_say_so_is_read_from_its_vocabulary(encoder: Path, tmp_path: Path) -> None:
    """As BlueBERT lies on the hub: no model_type, no tokenizer.json."""
    values = json.loads((encoder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in values.items() if k != "model_type"}))
    shutil.copy(encoder / "model.safetensors", tmp_path)
    vocabulary = load_tokenizer(encoder).get_vocab()
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in sorted(vocabulary, key=vocabulary.__getitem__)))
    weights = [load_encoder(str(place)).state_dict() for place in (encoder, tmp_path)]
    assert all(torch.equal(tensor, weights[1][name]) for name, tensor in weights[0].items())
    assert load_tokenizer_of(str(tmp_path)).encode("Severe pain", add_special_tokens=False).tokens == ["severe", "pain"]


def test_a_tokenizer_with_other_special_tokens_is_read_under_berts_names(tmp_path: Path) -> None:
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast, RobertaConfig

    own = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    bytes_of = ByteLevelBPETokenizer()
    bytes_of.train_from_iterator([note.text for note in NOTES] * 3, vocab_size=400, special_tokens=own)
    kinds = dict(zip(("cls_token", "pad_token", "sep_token", "unk_token", "mask_token"), own, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=bytes_of._tokenizer, **kinds).save_pretrained(tmp_path)  # type: ignore[no-untyped-call]  # transformers
    RobertaConfig(vocab_size=400).save_pretrained(tmp_path)
    found = load_tokenizer_of(str(tmp_path))
    assert [found.token_to_id(token) for token in ("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]")] == [0, 1, 2, 3, 4]
    assert found.encode(["pain"], is_pretokenized=True, add_special_tokens=False).tokens == ["Ġpain"]


def test_an_encoder_shorter_than_a_window_is_refused(encoder: Path) -> None:
    with pytest.raises(ExtractionError, match="it holds 512 subwords, and a window may have 600"):
        check_room("tiny", load_encoder(str(encoder)), 600)


# Bi-LSTM


def test_both_directions_of_the_papers_bilstm_are_300_wide() -> None:
    assert BiLstmConfig(vocab_size=10, vector_size=200).hidden_size == 600


def test_padding_changes_nothing_in_a_bilstm() -> None:
    torch.manual_seed(0)
    net = BiLstmEncoder(BiLstmConfig(20, 5, hidden=4)).eval()
    ids = torch.tensor([[2, 7, 9, 3, 0, 0], [2, 8, 11, 12, 13, 3]])
    mask = (torch.arange(6)[None] < torch.tensor([[4], [6]])).long()
    together = net(ids, mask).last_hidden_state[0, :4]
    alone = net(ids[:1, :4], mask[:1, :4]).last_hidden_state[0]
    assert torch.allclose(together, alone, atol=1e-6)


def test_a_bilstm_is_the_one_of_torch() -> None:
    torch.manual_seed(0)
    net = BiLstmEncoder(BiLstmConfig(20, 5, hidden=4, layers=1)).eval()
    theirs = torch.nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    names = {"": net.forth[0], "_reverse": net.back[0]}
    theirs.load_state_dict({f"{k}{end}": v for end, part in names.items() for k, v in part.state_dict().items()})
    ids = torch.tensor([[2, 7, 9, 3]])
    ours = net(ids, torch.ones_like(ids)).last_hidden_state
    assert torch.allclose(ours, theirs(net.words(ids))[0], atol=1e-6)


def test_a_word_is_one_id_in_any_case_and_a_stranger_is_unknown() -> None:
    found = word_tokenizer(["liver", "the"]).encode(["The", "LIVER", "xyz"], is_pretokenized=True)
    assert found.tokens == ["the", "liver", "[UNK]"]


def test_a_bilstm_learns_and_onnx_reads_what_torch_reads(tmp_path: Path) -> None:
    config = JointConfig(LABELS, RELATIONS, "bilstm", label_size=16, pair_size=32, dropout=0.0, limit=40, context=8)
    training = replace(QUICK, epochs=12, batch_subwords=40, average=0.5)
    vectors = random_vectors(count_words(note.text for note in NOTES * 2), 16, seed=1)
    train_joint(NOTES * 4, NOTES, tmp_path / "run", config, training, Watch(), vectors)
    export_model(tmp_path / "run", tmp_path / "exported", int8=False)
    texts = [*(note.text for note in NOTES), "Severe PAIN xyz " * 40]
    theirs, ours = TorchExtractor.load(tmp_path / "run")(texts), JointExtractor(tmp_path / "exported", threads=1)(texts)
    strict, *_ = evaluation_rows(NOTES, theirs[:-1])
    assert strict["protocol"] == "mention strict" and strict["F1"] >= 0.8  # type: ignore[operator]  # a row holds objects
    assert [[(m.start, m.end, m.label) for m in d.mentions] for d in ours] == [
        [(m.start, m.end, m.label) for m in d.mentions] for d in theirs
    ]


def test_a_bilstm_without_vectors_says_what_to_give(tmp_path: Path) -> None:
    config = JointConfig(LABELS, RELATIONS, "bilstm")
    with pytest.raises(ExtractionError, match=r"it needs word vectors \(--vectors FILE, or --vectors random:200\)"):
        train_joint(NOTES, NOTES, tmp_path, config, SHORT, Watch())


def test_vectors_of_a_file_are_not_trained() -> None:
    from extractors.networks.vectors import WordVectors

    rows = torch.randn(2, 3).numpy()
    frozen, _ = bilstm_encoder(WordVectors(("a", "b"), rows, rows[0]))
    learnt, _ = bilstm_encoder(random_vectors({"a": 2, "b": 2}, 3, seed=0))
    assert (frozen.words.weight.requires_grad, learnt.words.weight.requires_grad) == (False, True)


# Parts of a corpus


def test_a_split_has_the_shares_and_is_of_the_seed(corpus: Path) -> None:
    found = read_parts(Source("brat", corpus, (3, 1, 1), seed=1))
    assert [len(found.train), len(found.validation), len(found.test)] == [6, 2, 2]
    assert read_parts(Source("brat", corpus, (3, 1, 1), seed=1)) == found
    assert read_parts(Source("brat", corpus, (3, 1, 1), seed=2)).test != found.test
    assert found.protocol == "random split 3:1:1 by document, seed 1"


def test_folds_part_the_corpus(corpus: Path) -> None:
    tests = [read_parts(Source("brat", corpus, fold=f"{n}/5")).test for n in range(5)]
    assert sorted(d.text for part in tests for d in part) == sorted(file.read_text() for file in corpus.glob("*.txt"))


def test_own_files_take_the_place_of_a_share(corpus: Path, tmp_path: Path) -> None:
    own = brat(tmp_path, [document("[asthma|Finding] today.")])
    found = read_parts(Source("brat", corpus, test=own))
    assert [len(found.train), len(found.validation), len(found.test)] == [8, 2, 1]


@pytest.mark.parametrize("shares", ["3:1", "a:b:c", "3:1:1:1", ""])
def test_a_split_of_another_form_is_named(shares: str) -> None:
    with pytest.raises(ExtractionError, match="expected shares of train, validation and test such as 3:1:1"):
        parse_ratio(shares)


@pytest.mark.parametrize(("fold", "said"), [("5/5", "N/K with N below K"), ("x", "expected N, or N/K"), ("1", "N/K")])
def test_a_fold_that_is_none_is_named(fold: str, said: str, corpus: Path) -> None:
    with pytest.raises(ExtractionError, match=said):
        read_parts(Source("brat", corpus, fold=fold))


def test_a_fold_and_a_split_contradict_each_other(corpus: Path) -> None:
    with pytest.raises(ExtractionError, match="a fold has its own parts"):
        read_parts(Source("brat", corpus, (3, 1, 1), fold="0/5"))


def test_training_documents_that_repeat_a_held_out_sentence_go_if_asked(corpus: Path, tmp_path: Path) -> None:
    again = brat(tmp_path, [document("So: [pain|Finding] in the [chest|Site] is stable.\nNoted."), NOTES[0]])
    (tmp_path / "note0.txt").write_text("pain in the chest is stable.")
    (tmp_path / "note0.ann").write_text("T1\tFinding 0 4\tpain\n")
    kept, dropped = (read_parts(Source("brat", corpus, test=again, drop=drop)) for drop in (False, True))
    assert len(kept.train) + len(kept.validation) == 10 and len(dropped.train) < len(kept.train)
    assert dropped.leaks.startswith("leak check: brat: dropped")


def test_sentences_as_documents_keep_mentions_and_the_relations_inside() -> None:
    note = document(
        "[pain|Finding] in the [chest|Site]. The [liver|Site] is normal.", (1, 0, "MODIFY"), (2, 0, "MODIFY")
    )
    first, second = by_sentence([note], Source("brat", Path()))
    assert (first.text, [r.head.text for r in first.relations]) == ("pain in the chest.", ["chest"])
    assert [(m.start, m.text) for m in second.mentions] == [(4, "liver")]


def test_a_line_of_i2b2_2010_is_a_sentence() -> None:
    note = document("Dr . Smith saw\n[chest pain|Finding] again . And\n\nagain .\n")
    pieces = by_sentence([note], Source("i2b2_2010", Path()))
    assert [piece.text for piece in pieces] == ["Dr . Smith saw", "chest pain again . And", "again ."]


def test_a_relation_is_local_if_nine_in_ten_lie_in_a_sentence() -> None:
    inside = document("[pain|Finding] in the [chest|Site].", (1, 0, "MODIFY"))
    across = document("[pain|Finding] today. The [chest|Site] hurts.", (1, 0, "MODIFY"))
    assert local_relations([inside] * 9 + [across]) == ("MODIFY",)
    assert local_relations([inside] * 8 + [across]) == ()


def test_relations_reach_so_far_that_one_in_fifty_at_most_is_lost() -> None:
    inside = document("[pain|Finding] in the [chest|Site].", (1, 0, "MODIFY"))
    next_one = document("[pain|Finding] today. The [chest|Site] hurts.", (1, 0, "MODIFY"))
    after_that = document("[pain|Finding] today. He came. The [chest|Site] hurts.", (0, 1, "MODIFY"))
    assert sentence_reach([inside] * 98 + [after_that] * 2) == 0
    assert sentence_reach([inside] * 97 + [next_one] + [after_that] * 2) == 1
    assert sentence_reach([inside] * 97 + [after_that] * 3) == 2
    assert sentence_reach([document("[pain|Finding] alone.")]) == 0


def test_labels_that_the_training_part_lacks_are_named() -> None:
    with pytest.raises(
        ExtractionError, match="labels: Drug not in the training part, which has Finding, Severity, Site"
    ):
        chosen_labels(NOTES, ["Site", "Drug"])


# Checkpoints


def test_training_killed_in_the_middle_of_an_epoch_ends_as_if_it_had_not_been(encoder: Path, tmp_path: Path) -> None:
    config = JointConfig(LABELS, RELATIONS, str(encoder), label_size=8, pair_size=16, dropout=0.1, limit=40, context=8)
    code = f"""
import time, torch
from pathlib import Path
from extractors.networks.joint import JointConfig
from extractors.training.loop import Watch, train_joint
from tests.test_training import NOTES, SHORT
torch.set_num_threads(1)
steps = []
def step(progress):
    steps.append(progress.epoch)
    if steps.count(2) == 2:
        print("middle of epoch 2", flush=True)
        time.sleep(600)
train_joint(NOTES * 3, NOTES, Path({str(tmp_path / "parts")!r}), {config!r}, SHORT, Watch(step=step))
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "middle of epoch 2\n"
        child.send_signal(signal.SIGKILL)
    for name in ("parts", "whole"):
        train_joint(NOTES * 3, NOTES, tmp_path / name, config, SHORT, Watch())
    killed, whole = (load_file(tmp_path / name / CHECKPOINT) for name in ("parts", "whole"))
    assert killed.keys() == whole.keys()
    assert [name for name in whole if not torch.equal(killed[name], whole[name])] == []
    assert read_epochs(tmp_path / "parts") == read_epochs(tmp_path / "whole")


def test_a_checkpoint_of_another_run_says_what_differs(
    model: Path, encoder: Path, corpus: Path, tmp_path: Path
) -> None:
    again = shutil.copytree(model, tmp_path / "again")
    other = plan(encoder, seed=14, head_rate=0.5)
    with pytest.raises(ExtractionError, match="checkpoint of another run: head_rate, seed differ; take another folder"):
        train_corpus(Source("brat", corpus), other, again, Watch(), lambda line: None)


def test_a_checkpoint_of_other_documents_is_refused(model: Path, encoder: Path, corpus: Path, tmp_path: Path) -> None:
    again = shutil.copytree(model, tmp_path / "again")
    with pytest.raises(ExtractionError, match="checkpoint of another run: documents or vectors differ"):
        train_corpus(Source("brat", corpus, seed=99), plan(encoder), again, Watch(), lambda line: None)


def test_a_file_that_is_no_checkpoint_is_named(model: Path, encoder: Path, corpus: Path, tmp_path: Path) -> None:
    again = shutil.copytree(model, tmp_path / "again")
    (again / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(ExtractionError, match="not a checkpoint of this program; remove it to begin anew"):
        train_corpus(Source("brat", corpus), plan(encoder), again, Watch(), lambda line: None)


def test_training_ends_when_validation_has_not_become_better(encoder: Path, tmp_path: Path) -> None:
    config = JointConfig(LABELS, RELATIONS, str(encoder), label_size=8, pair_size=16, limit=40, context=8)
    still = TrainingConfig(epochs=9, patience=2, encoder_rate=1e-12, head_rate=1e-12, weight_decay=0.0)
    train_joint(NOTES, NOTES, tmp_path, config, still, Watch())
    assert len(read_epochs(tmp_path)) == 3


def test_a_loss_that_is_no_number_stops_training(encoder: Path, tmp_path: Path) -> None:
    config = JointConfig(LABELS, RELATIONS, str(encoder), label_size=8, pair_size=16, limit=40, context=8)
    wild = replace(SHORT, encoder_rate=1e30, head_rate=1e30, is_constant=True)
    with pytest.raises(ExtractionError, match=r"epoch \d, step \d+: the loss is no number; lower the learning rate"):
        train_joint(NOTES * 4, NOTES, tmp_path, config, wild, Watch())


def test_an_empty_validation_set_is_refused(encoder: Path, tmp_path: Path) -> None:
    config = JointConfig(LABELS, RELATIONS, str(encoder))
    with pytest.raises(ExtractionError, match="validation set: no mention in it"):
        train_joint(NOTES, [Document("stable")], tmp_path, config, SHORT, Watch())


def test_bfloat16_learns_too(encoder: Path, tmp_path: Path) -> None:
    config = JointConfig(LABELS, RELATIONS, str(encoder), label_size=8, pair_size=16, dropout=0.0, limit=40, context=8)
    train_joint(NOTES * 2, NOTES, tmp_path, config, replace(SHORT, epochs=6, bf16=True), Watch())
    first, *_, last = read_epochs(tmp_path)
    assert last.mention_loss < first.mention_loss


def test_a_corpus_without_relations_can_be_learnt(encoder: Path, tmp_path: Path) -> None:
    bare = [Document(note.text, note.mentions) for note in NOTES]
    config = JointConfig(LABELS, (), str(encoder), label_size=8, pair_size=16, dropout=0.0, limit=40, context=8)
    train_joint(bare * 2, bare, tmp_path, config, SHORT, Watch())
    assert all(document.relations == () for document in TorchExtractor.load(tmp_path)([note.text for note in bare]))


def test_the_papers_settings_train_on_i2b2_2010_with_a_bilstm(tmp_path: Path) -> None:
    for i in range(5):
        (tmp_path / f"n{i}.txt").write_text("Admitted .\nAspirin was given for chest pain .\n")
        concepts = ['c="aspirin" 2:0 2:0||t="treatment"', 'c="chest pain" 2:4 2:5||t="problem"']
        (tmp_path / f"n{i}.con").write_text("".join(f"{line}\n" for line in concepts))
        (tmp_path / f"n{i}.rel").write_text('c="aspirin" 2:0 2:0||r="TrAP"||c="chest pain" 2:4 2:5\n')
    paper = PRESETS["paper"]
    tiny = replace(
        paper,
        model=replace(paper.model, encoder="bilstm"),
        training=replace(paper.training, epochs=2),
        vectors="random:8",
    )
    told: list[str] = []
    facts = train_corpus(Source("i2b2_2010", tmp_path), tiny, tmp_path / "out", Watch(), told.append)
    assert told[0] == "i2b2_2010: random split 3:1:1 by document, seed 13; each sentence by itself"
    assert facts["parts"]["train"] == {"documents": 6, "mentions": 6, "relations": 3}
    assert (facts["model"]["labels"], facts["model"]["relations"]) == (("problem", "treatment"), ("TrAP",))


# Model folders


def test_a_model_folder_is_laid_out_as_on_the_hub_and_holds_no_pickle(model: Path) -> None:
    files = {file.relative_to(model).as_posix() for file in model.rglob("*") if file.is_file()}
    assert files == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md", "run.json"),
        *(f"exported/{name}" for name in ("config.json", "heads.npz", "model.onnx", "tokenizer.json", "run.json")),
        *("training/checkpoint.safetensors", "training/epochs.jsonl"),
    }


def test_nothing_in_the_program_writes_or_reads_pickles() -> None:
    unsafe = re.compile(r"torch\.(save|load)\(|\bpickle\.\w|import pickle|allow_pickle=True|joblib")
    files = [
        file
        for package in ("extractors", "kgbuild", "resolvers", "ontologies")
        for file in (ROOT / package).rglob("*.py")
    ]
    assert [str(file) for file in files if unsafe.search(file.read_text("utf-8"))] == []


def test_transformers_opens_the_tokenizer_of_a_model_folder(model: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    found = PreTrainedTokenizerFast.from_pretrained(model)
    assert (found.cls_token, found.mask_token, found.tokenize("severe pain")) == ("[CLS]", "[MASK]", ["severe", "pain"])


def test_one_call_opens_a_model_folder_in_either_form(model: Path) -> None:
    text = "pain in the chest is stable."
    whole, exported, as_torch = (
        extractors.load(model),
        extractors.load(model / "exported", threads=1),
        extractors.load(model, runtime="torch"),
    )
    assert [type(one).__name__ for one in (whole, exported, as_torch)] == ["JointExtractor"] * 2 + ["TorchExtractor"]
    assert whole([text]) == exported([text])
    assert [m.label for m in as_torch([text])[0].mentions] == ["Finding", "Site"]
    assert len(as_torch.fingerprint) == 16


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"no exported joint model: config\.json is missing"):
        extractors.load(tmp_path)


def test_the_card_tells_data_split_settings_and_scores_of_the_run(model: Path) -> None:
    card, run = (model / "README.md").read_text(), json.loads((model / "run.json").read_text())
    assert "brat: random split 3:1:1 by document, seed 13." in card
    assert "| train | 6 | 12 | 6 |" in card
    assert f"Best epoch {run['best']} of {run['epochs']}" in card
    strict = run["scores"][0]
    assert (
        f"| mention strict | micro | {strict['P']} | {strict['R']} | {strict['F1']} | 4 | {strict['predicted']} |"
        in card
    )


def test_a_saved_bilstm_is_read_back(tmp_path: Path) -> None:
    net, tokenizer = bilstm_encoder(random_vectors({"pain": 2, "liver": 2}, 4, seed=0))
    config = JointConfig(LABELS, RELATIONS, "bilstm")
    save_model(JointModel(config, net), tmp_path, tokenizer)
    loaded = TorchExtractor.load(tmp_path)
    assert loaded.labels == LABELS
    assert loaded.fingerprint == TorchExtractor.load(tmp_path).fingerprint
    pairs = zip(net.state_dict().items(), loaded._model.encoder.state_dict().items(), strict=True)
    assert all(name == other and torch.equal(one, two) for (name, one), (other, two) in pairs)


# Scores


def test_relations_of_gold_mentions_are_read_between_the_mentions_given(model: Path) -> None:
    gold = document("[pain|Finding] in the [chest|Site] is stable.", (1, 0, "MODIFY"))
    (given,) = TorchExtractor.load(model).read_relations([replace(gold, relations=())])
    assert given.mentions == gold.mentions
    assert [(r.head.text, r.tail.text, r.label) for r in given.relations] == [("chest", "pain", "MODIFY")]


def test_a_model_of_other_labels_is_not_measured() -> None:
    with pytest.raises(
        ExtractionError, match="m: a model of other labels: x has Finding, Severity, Site; the model reads Drug"
    ):
        check_fit(Path("m"), ["Drug"], NOTES, "x")


def test_a_model_is_measured_on_the_part_it_has_not_seen(model: Path, corpus: Path) -> None:
    found = measured(model, Source("brat", corpus))
    assert (len(found.documents), found.learnt) == (2, 0)
    assert found.protocol == "test part of random split 3:1:1 by document, seed 13"
    assert measured(model, Source("brat", corpus), "all").learnt == 6


def test_a_folder_that_the_model_does_not_know_is_measured_on_as_a_whole(model: Path, tmp_path: Path) -> None:
    found = measured(model, Source("brat", brat(tmp_path, NOTES)))
    assert (len(found.documents), found.protocol, found.learnt) == (5, "all documents", 0)


# Command line


def test_the_command_line_names_every_corpus_and_preset() -> None:
    assert set(cli_models.CORPORA) == READERS.keys()
    assert set(cli_models.PRESETS) == PRESETS.keys()


def test_the_paper_preset_is_the_papers_settings() -> None:
    paper = PRESETS["paper"]
    training = paper.training
    assert (training.encoder_rate, training.head_rate, training.is_constant) == (1e-3, 1e-3, True)
    assert (training.batch_windows, paper.by_sentence, training.weight_decay) == (32, True, 0.0)
    assert (paper.model.selection, paper.model.threshold, paper.model.mention_threshold) == ("words", 0.5, 0.0)


def test_evaluate_prints_every_protocol(model: Path, corpus: Path) -> None:
    done = CliRunner().invoke(cli, ["evaluate", str(model), "brat", str(corpus), "--format", "jsonl"])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["protocol"] for row in rows if row["label"] == "micro"] == [
        *("mention strict", "mention relaxed", "mention boundary", "relation end to end", "relation gold mentions"),
    ]
    assert "brat: test part of random split 3:1:1 by document, seed 13: 2 documents\nTorchExtractor, " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--labels", "Drug"], "labels: Drug not in the training part, which has Finding, Site"),
        (["--encoder", "hub:nowhere/none"], "encoder hub:nowhere/none: no hub gave it (OSError)"),
        (
            ["--encoder", "encodr"],
            "encoder encodr: no such folder, and none of all-MiniLM-L6-v2, bert-books-wiki, bert-pubmed, "
            "bert-pubmed-mimic, bilstm; OWNER/NAME or hub:NAME asks the Hugging Face hub",
        ),
        (["--encoder", "bilstm"], "encoder bilstm: it needs word vectors: --vectors FILE, or --vectors random:200"),
        (["--split", "3-1-1"], "split: expected shares of train, validation and test such as 3:1:1, found '3-1-1'"),
        (["--split", "1:0:0"], "validation set: no mention in it; the best epoch cannot be chosen"),
    ],
)
def test_what_cannot_be_trained_is_one_line_before_training(
    arguments: list[str], said: str, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    call = ["train", "joint", "brat", str(corpus), "-o", str(tmp_path / "out"), *arguments]
    done = CliRunner().invoke(cli, call)
    assert (str(done.exception), (tmp_path / "out" / "model.safetensors").exists()) == (said, False)


def test_an_annotation_that_leaves_the_text_is_named_before_training(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text("pain")
    (tmp_path / "n.ann").write_text("T1\tFinding 0 9\tpain\n")
    done = CliRunner().invoke(cli, ["train", "joint", "brat", str(tmp_path), "-o", str(tmp_path / "out")])
    assert str(done.exception) == f"{tmp_path}/n.ann:1: span 0-9 leaves the text of 4 characters"


def test_vectors_without_the_bilstm_are_wrong_usage(corpus: Path, tmp_path: Path) -> None:
    call = ["train", "joint", "brat", str(corpus), "-o", str(tmp_path / "out"), "--vectors", "random:200"]
    done = CliRunner().invoke(cli, call)
    assert (done.exit_code, "--vectors goes with --encoder bilstm" in done.output) == (2, True)


def test_pair_size_is_the_width_of_the_layer_that_joins_two_mentions(
    encoder: Path, corpus: Path, tmp_path: Path
) -> None:
    call = ["train", "joint", "brat", str(corpus), "-o", str(tmp_path / "out"), "--encoder", str(encoder)]
    done = CliRunner().invoke(cli, [*call, "--epochs", "1", "--threads", "1", "--pair-size", "6"])
    assert done.exit_code == 0, done.output
    model = load_model(tmp_path / "out")
    assert (model.config.pair_size, tuple(model.pair.relation.weight.shape)[1]) == (6, 6)
    assert extractors.load(tmp_path / "out" / "exported")([NOTES[0].text])[0].text == NOTES[0].text


def test_a_device_that_is_not_here_is_named() -> None:
    absent = next(name for name in ("mps", "cuda") if not getattr(torch, name).is_available())
    with pytest.raises(ExtractionError, match=f"device {absent}: torch finds none here, only"):
        choose_device(absent)


def test_a_step_is_shown_with_pace_and_time_left() -> None:
    from extractors.training.loop import Progress

    assert step_line(Progress(2, 4, 0.5, 1234.4, 3725.0)) == (
        "epoch 2/4 [############------------] 1234 subwords/s, 1:02:05 left"
    )


def test_ctrl_c_says_how_to_go_on(encoder: Path, corpus: Path, tmp_path: Path) -> None:
    call = [
        sys.executable,
        "-c",
        # a shell that starts tests in the background has SIGINT ignored, and children inherit that
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);from kgbuild.cli import main; main()",
        "train",
        "joint",
        "brat",
        str(corpus),
        "-o",
        "m",
    ]
    call += ["--encoder", str(encoder), "--epochs", "5000", "--threads", "1"]
    with subprocess.Popen(call, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert any(line.startswith("epoch 2/") for line in child.stderr)
        child.send_signal(signal.SIGINT)
        said = child.stderr.read()
    assert child.returncode == 130
    assert said.splitlines()[-1] == "stopped; m keeps the epochs that are done: run the same command again to go on"
    assert not list((tmp_path / "m").rglob("*.part"))
