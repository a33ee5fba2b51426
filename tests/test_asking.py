"""Many queries in several processes: the same rows in the same order as in one."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from kgbuild import asking
from kgbuild.cli import cli
from ontologies.store import add_table
from resolvers.index import open_resolver


@pytest.fixture
def colds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGBUILD_HOME", str(tmp_path / "home"))
    file = tmp_path / "t.tsv"
    file.write_text("code\tname\nA\tcommon cold\nB\tfever\nC\tcough\n", encoding="utf-8")
    add_table("local", [file], "1")


def test_processes_answer_what_one_does_in_the_order_of_the_queries(
    colds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PART", 3)
    queries = ["fever", "a common cold", "", "coughs", "nothing here", "common colds"] * 3
    resolvers = {"local": open_resolver("local")}
    alone = asking.all_rows(queries, resolvers, 2, jobs=1)
    assert [row["query"] for row in alone] == queries
    assert [row["best"] for row in alone[:4]] == ["B", "A", None, "C"]
    assert asking.all_rows(queries, resolvers, 2, why=True, jobs=2) == asking.all_rows(
        queries, resolvers, 2, why=True, jobs=1
    )


def test_why_names_the_features_that_speak_for_a_code(colds: None) -> None:
    done = CliRunner().invoke(cli, ["resolve", "fevers", "--system", "local", "-k", "1", "-v"])
    assert done.exit_code == 0
    header, row = done.stdout.splitlines()
    assert header.split()[-1] == "why" and "means the query +" in row
    assert not row.endswith("…") and len(row.split(", ")) >= 5  # never cut, however wide
    plain = CliRunner().invoke(cli, ["resolve", "fevers", "--system", "local", "-k", "1"])
    assert "why" not in plain.stdout.splitlines()[0]
