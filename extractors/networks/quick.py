"""What makes an epoch on a CPU half as long: cheap dropout, and word vectors of the encoder that stay as they are."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class ByteDropout(nn.Dropout):
    """Dropout whose mask is drawn eight elements at a time.

    torch draws one number an element on a CPU, which takes longer than the layer that dropout follows. The share is
    rounded to a 256th (0.1 becomes 0.102).

    Args:
        p: Share of the elements that become 0; the others grow so that the mean stays.
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)
        self.cut = round(256 * p)

    def forward(self, values: Tensor) -> Tensor:
        """Return the values, some of them 0 while training; any shape."""
        if not self.training or self.cut == 0:
            return values
        drawn = torch.empty(values.numel() // 8 + 1, dtype=torch.int64, device=values.device).random_(-(2**63), None)
        keep = drawn.view(torch.uint8)[: values.numel()].view(values.shape) >= self.cut
        return values * (keep.to(values.dtype) * (256 / (256 - self.cut)))


def quicken(encoder: PreTrainedModel, *, learn_words: bool = False) -> None:
    """Make a BERT cheaper to train on a CPU; its weights and what it computes when it reads stay the same.

    Its dropout becomes ``ByteDropout``. Its word vectors stay as they are unless ``learn_words``: they are half of the
    weights of a small encoder, most words of a corpus occur a few times, and words that the corpus does not have keep
    the place that they have among the others.
    """
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, ByteDropout(child.p))
    encoder.set_attn_implementation("eager")  # in bfloat16 on a CPU, faster than the fused one backwards
    vectors = encoder.get_input_embeddings()
    if isinstance(vectors, nn.Embedding):
        vectors.weight.requires_grad_(learn_words)
