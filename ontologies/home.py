"""Where everything is that kgbuild keeps."""

import os
import sys
from pathlib import Path


def home() -> Path:
    """Return the folder for everything kgbuild keeps: ``KGBUILD_HOME``, or the platform's place for user data."""
    chosen = os.environ.get("KGBUILD_HOME")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "kgbuild"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/kgbuild"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "kgbuild"
