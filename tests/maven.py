"""Jars of servers that tests run, from Maven Central; kept in a cache, never shipped."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

_MAVEN = "{http://maven.apache.org/POM/4.0.0}"


def missing() -> str | None:
    """What such a server cannot be run without, or None."""
    absent = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not found" if absent else None


def jars(folder: Path, name: str) -> Path:
    """The folder of the jars that a ``pom.xml`` names, by the version of its first dependency; fetched if absent."""
    version = ET.parse(folder / "pom.xml").findtext(f".//{_MAVEN}dependency/{_MAVEN}version")  # noqa: S314 (ours)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kgbuild"
    target = cache / f"{name}-{version}"
    if not target.exists():
        parts = cache / f"{name}-{version}-{os.getpid()}"
        command = ("mvn", "-q", "-B", "-f", str(folder), "dependency:copy-dependencies", "-DincludeScope=runtime")
        subprocess.run([*command, f"-DoutputDirectory={parts}"], check=True, stdout=sys.stderr)
        try:
            parts.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(parts)
    return target
