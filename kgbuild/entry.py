"""What the command ``kgbuild`` begins with, before anything that takes its time to be imported."""

import signal


def main() -> None:
    """Run the command line. Until it has begun, Ctrl-C ends this process without a word, as other signals do."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from kgbuild.cli import main as run

    run()
