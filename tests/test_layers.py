"""Who may import whom, and what starting up loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "ontologies": {"ontologies"},
    "extractors": {"extractors"},
    "resolvers": {"resolvers", "ontologies"},
    "kgbuild": {"kgbuild", "resolvers", "ontologies", "extractors"},
}
NEEDS_TORCH = ("torch", "transformers", "torchcrf", "safetensors", "onnx")
TRAINING = ("extractors/networks/", "extractors/training/")


def imports(file: Path) -> set[str]:
    """The top-level names of everything a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_downwards(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    strangers = {str(f): imports(f) & (ALLOWED.keys() - ALLOWED[package]) for f in files}
    assert {file: names for file, names in strangers.items() if names} == {}


def test_only_training_imports_torch() -> None:
    files = [f.relative_to(ROOT).as_posix() for package in ALLOWED for f in (ROOT / package).rglob("*.py")]
    outside = {f for f in files if not f.startswith(TRAINING) and imports(ROOT / f) & set(NEEDS_TORCH)}
    assert outside == set()


def test_one_file_imports_onnxruntime_so_that_its_telemetry_is_off_before() -> None:
    files = [file for folder in (*ALLOWED, "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    users = [file.relative_to(ROOT).as_posix() for file in files if "onnxruntime" in imports(file)]
    assert users == ["extractors/onnx.py"]


@pytest.mark.parametrize("statement", ["import kgbuild", "import kgbuild.cli", "import extractors.runtime"])
def test_starting_up_loads_nothing_heavy(statement: str) -> None:
    heavy = ("torch", "transformers", "spacy", "pyspark", "neo4j", "rdflib")
    code = f"import sys; {statement}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_help_loads_no_model_and_no_store() -> None:
    code = (
        "import sys\nfrom kgbuild.cli import cli\n"
        "try:\n    cli(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('onnxruntime', 'pyoxigraph', 'tokenizers', 'simple_icd_10_cm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip().splitlines()[-1] == "[]"
