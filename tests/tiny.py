"""A tiny random BERT and its tokenizer, made on the spot: no network, no weights."""

from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

WORDS = (
    "a the of in with and was is no scan ct mri chest liver kidney lesion cyst mass lung severe mild left right pain "
    "fever showed noted found seen stable contrast asthma patient today yesterday may march cm mm . , : ; / -"
).split()


def tiny_tokenizer(folder: Path) -> Tokenizer:
    """Write ``tokenizer.json`` of a small WordPiece vocabulary into a folder and return it."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters[1:], *(f"##{c}" for c in letters)]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def tiny_encoder(folder: Path) -> Path:
    """Write a seeded two-layer BERT of 32 dimensions with its tokenizer, as transformers lays it out."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer = tiny_tokenizer(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    BertModel(config).save_pretrained(folder)
    special = {
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "mask_token": "[MASK]",
    }
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)  # type: ignore[no-untyped-call]  # transformers
    fast.save_pretrained(folder)
    return folder
