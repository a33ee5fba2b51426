"""Text in, mentions and relations out; knows text, never codes."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractors.runtime import JointExtractor
    from extractors.training.store import TorchExtractor


def load(
    folder: Path | str, *, runtime: str = "auto", threads: int = 0, device: str = "cpu"
) -> "JointExtractor | TorchExtractor":
    """Return the extractor of a model folder, ready to read texts.

    Args:
        folder: What ``kgbuild train joint`` wrote, or the ``exported`` folder in it.
        runtime: ``exported`` runs on ONNX Runtime without torch, ``torch`` on torch; ``auto`` takes the exported form
            if there is one.
        threads: Threads of ONNX Runtime; 0 takes every core.
        device: Of torch: ``cpu``, ``cuda``, ``mps``.

    Raises:
        ExtractionError: If there is no model in the folder, or torch is wanted and not installed.
    """
    from extractors.document import ExtractionError

    place = Path(folder)
    exported = place / "exported" if (place / "exported").is_dir() else place
    is_exported = (exported / "model.onnx").is_file() or not (place / "model.safetensors").is_file()
    if runtime == "exported" or (runtime == "auto" and is_exported):
        from extractors.runtime import JointExtractor

        return JointExtractor(exported, threads)
    try:
        from extractors.training.store import TorchExtractor
    except ModuleNotFoundError as error:
        raise ExtractionError(f"this needs {error.name}: pip install 'kgbuild[train]'") from error
    return TorchExtractor.load(place, device)
