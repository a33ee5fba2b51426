"""The joint model on a tiny random BERT: what it computes, what it learns, and that every runtime reads the same."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from torchcrf import CRF

from extractors.document import Document, ExtractionError, Mention, Relation
from extractors.encode import load_tokenizer
from extractors.networks.crf import log_likelihood
from extractors.networks.encoders import load_encoder
from extractors.networks.joint import JointConfig, JointModel
from extractors.networks.pairs import WordPairs
from extractors.runtime import JointExtractor
from extractors.training.export import export_model
from extractors.training.loop import Epoch, TrainingConfig, Watch, train_joint
from extractors.training.score import mention_scores, relation_scores
from extractors.training.store import TorchExtractor, save_model

pytestmark = [pytest.mark.usefixtures("_one_thread"), pytest.mark.xdist_group("joint")]  # what they share is made once

LABELS = ("Finding", "Severity", "Site")
RELATIONS = ("CAUSE", "MODIFY")


def document(marked: str, *relations: tuple[int, int, str]) -> Document:
    """A document from ``[words|Label]`` markup; relations name mentions by position, head first."""
    text, mentions = "", []
    for i, piece in enumerate(marked.replace("]", "[").split("[")):
        words, _, label = piece.partition("|")
        if i % 2:
            mentions.append(Mention(len(text), len(text) + len(words), label, words))
        text += words
    return Document(
        text, tuple(mentions), tuple(Relation(mentions[h], mentions[t], label) for h, t, label in relations)
    )


NOTES = [
    document("[severe|Severity] [pain|Finding] in the [chest|Site].", (0, 1, "MODIFY"), (2, 1, "MODIFY")),
    document("A [mild|Severity] [lesion|Finding] of the [liver|Site] was noted.", (0, 1, "MODIFY"), (2, 1, "MODIFY")),
    document("The [cyst|Finding] in the [left kidney|Site] is stable.", (1, 0, "MODIFY")),
    document("[asthma|Finding] with [fever|Finding] found.", (0, 1, "CAUSE")),
    document("CT scan of the chest is stable."),
]


@pytest.fixture(scope="module")
def config(encoder: Path) -> JointConfig:
    return JointConfig(LABELS, RELATIONS, str(encoder), label_size=16, pair_size=32, dropout=0.0, limit=40, context=8)


@pytest.fixture(scope="module")
def trained(encoder: Path, config: JointConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train_joint(NOTES * 4, NOTES, folder, config, QUICK, Watch())
    return folder


QUICK = TrainingConfig(
    epochs=25, batch_subwords=120, encoder_rate=3e-3, head_rate=1e-2, masked=0.0, average=0.8, learn_words=True
)


def test_likelihood_is_the_one_of_pytorch_crf() -> None:
    torch.manual_seed(1)
    crf = CRF(7, batch_first=True)
    emissions, tags = torch.randn(4, 9, 7) * 3, torch.randint(0, 7, (4, 9))
    mask = torch.arange(9)[None] < torch.tensor([9, 4, 1, 7])[:, None]
    assert torch.allclose(
        log_likelihood(crf, emissions, tags, mask), crf(emissions, tags, mask, reduction="none"), atol=1e-4
    )


def test_likelihood_has_the_gradients_of_pytorch_crf() -> None:
    torch.manual_seed(5)
    crf = CRF(7, batch_first=True)
    emissions, tags = (torch.randn(4, 9, 7) * 3).requires_grad_(), torch.randint(0, 7, (4, 9))
    mask = torch.arange(9)[None] < torch.tensor([9, 4, 1, 7])[:, None]
    weights = torch.randn(4)
    places = [emissions, *crf.parameters()]
    ours = torch.autograd.grad((log_likelihood(crf, emissions, tags, mask) * weights).sum(), places)
    theirs = torch.autograd.grad((crf(emissions, tags, mask, reduction="none") * weights).sum(), places)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_likelihood_sums_to_one_over_all_paths() -> None:
    torch.manual_seed(2)
    crf, emissions = CRF(3, batch_first=True), torch.randn(1, 4, 3)
    mask = torch.ones(1, 4, dtype=torch.bool)
    paths = [torch.tensor([path]) for path in product(range(3), repeat=4)]
    total = sum(log_likelihood(crf, emissions, path, mask).exp().item() for path in paths)
    assert total == pytest.approx(1.0, abs=1e-5)


def test_pair_scores_are_the_formula_computed_by_hand() -> None:
    torch.manual_seed(3)
    scorer, words = WordPairs(5, 0, 4, 2), torch.randn(1, 3, 5)
    logits = scorer(words)[0]
    head, tail, v = scorer.as_head, scorer.as_tail, scorer.relation
    for i, j, r in product(range(3), range(3), range(2)):
        bucket = int(torch.bucketize(torch.tensor(j - i), scorer.distance.edges, right=True))
        inside = head.weight @ words[0, j] + tail.weight @ words[0, i] + scorer.distance.weight[bucket] + head.bias
        assert logits[i, j, r].item() == pytest.approx((v.weight[r] @ inside.tanh() + v.bias[r]).item(), abs=1e-5)


def test_training_learns_mentions_and_directed_relations_by_heart(trained: Path) -> None:
    found = TorchExtractor.load(trained)([note.text for note in NOTES])
    assert mention_scores(NOTES, found)["micro"].f1 == 1.0
    assert relation_scores(NOTES, found)["micro"].f1 == 1.0


def test_head_and_tail_are_not_swapped(trained: Path) -> None:
    (found,) = TorchExtractor.load(trained)([NOTES[2].text])
    assert [(r.head.text, r.tail.text, r.label) for r in found.relations] == [("left kidney", "cyst", "MODIFY")]


def test_a_mention_may_have_several_heads(trained: Path) -> None:
    (found,) = TorchExtractor.load(trained)([NOTES[0].text])
    assert sorted((r.head.text, r.tail.text) for r in found.relations) == [("chest", "pain"), ("severe", "pain")]


def test_onnx_reads_what_torch_reads(trained: Path, tmp_path: Path) -> None:
    export_model(trained, tmp_path, int8=False)
    texts = [note.text for note in NOTES] + ["severe pain; " * 80, ""]
    ours, theirs = JointExtractor(tmp_path, threads=1)(texts), TorchExtractor.load(trained)(texts)
    for one, other in zip(ours, theirs, strict=True):
        assert [m.score for m in one.mentions] == pytest.approx([m.score for m in other.mentions], abs=2e-4)
        assert [r.score for r in one.relations] == pytest.approx([r.score for r in other.relations], abs=2e-4)
        assert _bare(one) == _bare(other)


def test_eight_bit_weights_read_what_was_learnt(trained: Path, tmp_path: Path) -> None:
    export_model(trained, tmp_path)
    found = JointExtractor(tmp_path, threads=1)([note.text for note in NOTES])
    assert mention_scores(NOTES, found)["micro"].f1 >= 0.9


def test_a_batch_reads_as_its_notes_one_by_one(trained: Path, tmp_path: Path) -> None:
    export_model(trained, tmp_path)
    extractor = JointExtractor(tmp_path, threads=1)
    texts = [note.text * n for n in (1, 7) for note in NOTES]
    assert extractor(texts) == [extractor([text])[0] for text in texts]


def test_mentions_of_a_long_text_are_found_in_every_window(trained: Path) -> None:
    text = " ".join(note.text for note in NOTES) + "\n"
    (found,) = TorchExtractor.load(trained)([text * 6])
    starts = [m.start for m in found.mentions if m.text == "cyst"]
    assert starts == [text.index("cyst") + i * len(text) for i in range(6)]


def test_training_interrupted_and_resumed_ends_as_if_it_had_not_been(
    encoder: Path, config: JointConfig, tmp_path: Path
) -> None:
    short = replace(QUICK, epochs=4)
    whole: list[Epoch] = []
    train_joint(NOTES, NOTES, tmp_path / "whole", config, short, Watch(whole.append))
    seen: list[Epoch] = []

    def stop_after_two(epoch: Epoch) -> None:
        seen.append(epoch)
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_joint(NOTES, NOTES, tmp_path / "parts", config, short, Watch(stop_after_two))
    train_joint(NOTES, NOTES, tmp_path / "parts", config, short, Watch(seen.append))
    assert seen == whole


def test_a_checkpoint_of_other_labels_is_refused(encoder: Path, config: JointConfig, tmp_path: Path) -> None:
    once = replace(QUICK, epochs=1)
    train_joint(NOTES, NOTES, tmp_path, config, once, Watch())
    other = replace(config, labels=("Finding", "Severity"))
    with pytest.raises(ExtractionError, match="checkpoint of another run"):
        train_joint(NOTES, NOTES, tmp_path, other, once, Watch())


def test_an_empty_training_set_is_refused(config: JointConfig, tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="no mention"):
        train_joint([Document("stable")], [], tmp_path, config, QUICK, Watch())


def test_an_encoder_that_is_nowhere_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"encoder .*nowhere: no such folder"):
        load_encoder(str(tmp_path / "nowhere"))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match=r"config\.json is missing"):
        JointExtractor(tmp_path)


def test_a_saved_model_loads_as_it_was(config: JointConfig, encoder: Path, tmp_path: Path) -> None:
    model = JointModel(config, load_encoder(str(encoder))).eval()
    save_model(model, tmp_path, load_tokenizer(encoder))
    texts = [note.text for note in NOTES]
    assert TorchExtractor.load(tmp_path)(texts) == TorchExtractor(model, load_tokenizer(encoder))(texts)


def _bare(document: Document) -> tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]]:
    mentions = [(m.start, m.end, m.label) for m in document.mentions]
    return mentions, [(r.head.start, r.tail.start, r.label) for r in document.relations]
