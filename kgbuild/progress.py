"""How far a training is: a line that is written over on a terminal, a line an epoch elsewhere."""

import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from extractors.training.loop import Epoch, Progress

WIDTH = 24
"""Characters of the bar."""


class TrainingLine:
    """Shows the steps and epochs of a training on stderr."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._epochs = 0
        self._last = 0.0

    def step(self, progress: "Progress") -> None:
        """Show how far the training is, on a terminal and ten times a second at most."""
        self._epochs = progress.epochs
        if self._is_terminal and time.monotonic() - self._last > 0.1:
            self._last = time.monotonic()
            click.echo(f"\r\033[K{step_line(progress)}", nl=False, err=True)

    def epoch(self, epoch: "Epoch") -> None:
        """Print the line of an epoch."""
        self.clear()
        of = f"/{self._epochs}" if self._epochs else ""
        click.echo(
            f"epoch {epoch.number}{of}: loss {epoch.mention_loss:.3f} + {epoch.relation_loss:.3f}; validation, strict, "
            f"end to end: mentions {epoch.mention_f1:.4f}, relations {epoch.relation_f1:.4f}",
            err=True,
        )

    def clear(self) -> None:
        """Remove what is shown of an epoch under way."""
        if self._is_terminal:
            click.echo("\r\033[K", nl=False, err=True)


def step_line(progress: "Progress") -> str:
    """Return how far a training is as one line: bar, pace, time left if no epoch is spared."""
    filled = round(WIDTH * progress.share)
    hours, seconds = divmod(round(progress.left), 3600)
    left = f"{hours}:{seconds // 60:02}:{seconds % 60:02}"
    bar = "#" * filled + "-" * (WIDTH - filled)
    return f"epoch {progress.epoch}/{progress.epochs} [{bar}] {progress.rate:.0f} subwords/s, {left} left"
