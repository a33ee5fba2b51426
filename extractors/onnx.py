"""ONNX Runtime, imported so that it calls nobody: import it from here, never by itself.

Since version 1.30 the library sends telemetry from the moment it is imported: it asks for its vendor's event host, and
keeps a device id and a queue below ``~/.cache/Microsoft``. Its switch ``disable_telemetry_events`` comes too late. The
environment variable counts if it is set before the import, and worker processes inherit it. A program that imports
onnxruntime before kgbuild has to set ``ORT_DISABLE_TELEMETRY=1`` itself.

Source: onnxruntime 1.32.0 under ``strace``; ``tests/test_network.py`` traces every command.
"""

import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from onnxruntime import InferenceSession, SessionOptions

__all__ = ["InferenceSession", "SessionOptions", "quantize"]


def quantize(source: Path, target: Path) -> None:
    """Write an ONNX file with its weights as 8-bit integers, scaled by output channel."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # needs the extra `train`

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)
