"""The command line as a user runs it, with the shipped model and the example notes."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import rdflib

from kgbuild.cli import cli
from kgbuild.cli_store import EXPORTS
from kgbuild.export import FORMATS

pytestmark = pytest.mark.xdist_group("cli")  # in one worker, which makes what they share once

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "examples" / "tables"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the examples in it, where example notes have been ingested into ./kg."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "examples").symlink_to(ROOT / "examples")
    done = command(folder, "ingest", "examples/notes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "kg: 29 new, 0 changed, 0 unchanged\n"
    return folder


@pytest.fixture
def run(place: Path) -> Run:
    return lambda *arguments, **options: command(place, *arguments, **options)


def command(
    folder: Path, *arguments: str, text: str | None = None, home: str = "home"
) -> "subprocess.CompletedProcess[str]":
    """Run kgbuild in a folder, its code tables kept in a folder of their own."""
    environment = os.environ | {"KGBUILD_HOME": str(folder / home)}
    environment.pop("KGBUILD_STORE", None)
    call = [sys.executable, "-c", "from kgbuild.cli import main; main()", *arguments]
    return subprocess.run(call, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name), found


_CALL = "from click.testing import CliRunner; from kgbuild.cli import cli; assert CliRunner().invoke(cli,"


@pytest.mark.parametrize(
    "statement",
    [
        "import kgbuild.stores, kgbuild.graph",
        "import kgbuild.stores.rdf, kgbuild.query",
        f"{_CALL} ['--help']).exit_code == 0",
        f"{_CALL} ['patients']).exit_code == 0",
    ],
)
def test_cheap_commands_load_neither_numpy_nor_code_tables(place: Path, statement: str) -> None:
    code = (
        f"import sys; {statement}; print([m for m in ('numpy', 'simple_icd_10_cm', 'rapidfuzz') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_same_folder_again_writes_nothing_and_says_so(run: Run) -> None:
    assert run("ingest", "examples/notes").stdout == "kg: 0 new, 0 changed, 29 unchanged; nothing written\n"


def test_the_calcium_score_of_figure_6_rises_over_the_visits(run: Run) -> None:
    trend = json.loads(run("trend", "p1", "calcium score", "--format", "json").stdout)
    values = [p["value"] for p in trend["points"]]
    assert values == sorted(values)
    assert {87, 142, 206, 219} <= set(values)


def test_the_cyst_of_figure_6_is_on_the_timeline_of_every_scan(run: Run) -> None:
    events = json.loads(run("timeline", "p1", "--format", "json").stdout)["events"]
    days = {event["start"] for event in events if "cyst" in event["text"].lower()}
    assert {"2018-03-12", "2018-09-24", "2019-03-18", "2019-10-07"} <= days


def test_events_lead_back_to_the_characters_they_were_read_from(run: Run) -> None:
    events = json.loads(run("timeline", "p3", "--format", "json").stdout)["events"]
    assert events == sorted(events, key=lambda event: event["start"] or "9999")
    texts = {
        path.relative_to(ROOT / "examples/notes").as_posix(): path for path in (ROOT / "examples/notes").rglob("*.txt")
    }
    rows = (ROOT / "examples/notes/notes.csv").read_text().splitlines()[1:]
    by_id = {row.split(",")[1]: texts[row.split(",")[0]].read_bytes().decode() for row in rows}
    for event in events:
        found = [by_id[e["note"]][e["start"] : e["end"]] for e in event["evidence"]]
        assert event["text"] in found


def test_negated_and_family_findings_stay_out_unless_asked_for(run: Run) -> None:
    shown = json.loads(run("timeline", "p3", "--format", "json").stdout)["events"]
    assert {event["assertion"] for event in shown} <= {"present", "historical", "possible"}
    absent = json.loads(run("timeline", "p3", "--assertion", "absent", "--format", "json").stdout)["events"]
    assert any("pleural effusion" in event["text"] for event in absent)


def test_compare_prints_table_4(place: Path) -> None:
    for system in ("cpt", "snomedct", "icd10cm"):
        assert command(place, "ontology", "add", system, str(TABLES / f"{system}.tsv"), home="table4").returncode == 0
    done = command(place, "compare", "examples/compare/notes", "--format", "jsonl", home="table4")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    changes = {(row["system"], row["base_code"], row["enriched_code"]) for row in rows}
    assert {
        ("cpt", "3324F", "71260"),
        ("snomedct", "169072007", "169069000"),
        ("icd10cm", "L98.9", "K76.9"),
        ("snomedct", "300577008", "300331000"),
    } <= changes


def test_compare_sums_up_on_stderr_and_scores_against_gold(place: Path) -> None:
    for system in ("snomedct", "icd10cm"):
        assert command(place, "ontology", "add", system, str(TABLES / f"{system}.tsv"), home="gold").returncode == 0
    rows = (("57", "63", "icd10cm", "K76.9"), ("57", "63", "snomedct", "300331000"), ("900", "910", "snomedct", ""))
    (place / "gold.tsv").write_text(
        "".join(
            "\t".join(row) + "\n"
            for row in (("note", "start", "end", "system", "code"), *(("liver-lesion", *r) for r in rows))
        )
    )
    asked = ("compare", "examples/compare/notes", "--gold", "gold.tsv")
    done = command(place, *asked, "--format", "jsonl", home="gold")
    assert done.returncode == 0, done.stderr
    found = {row["system"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert (found["all"]["gold"], found["all"]["found"]) == (3, 2)
    assert (found["all"]["base_accuracy"], found["all"]["enriched_accuracy"]) == (0.0, 1.0)
    assert re.search(
        r"^snomedct: \d+ chunks enriched by relations, \d+ codes changed: [1-9]", done.stderr, re.MULTILINE
    )
    only = command(place, *asked, "--system", "icd10cm", home="gold")
    assert "not asked, so none of their gold codes is found: snomedct" in only.stderr
    assert command(place, *asked, "--all", home="gold").returncode == 2
    (place / "gold.tsv").write_text("note\tstart\n")
    assert command(place, *asked, home="gold").stderr.startswith("Error: gold.tsv:1: expected the header")


def test_every_mention_of_extract_is_the_text_at_its_offsets(run: Run) -> None:
    records = [json.loads(line) for line in run("extract", "examples/notes").stdout.splitlines()]
    assert len(records) == 29
    mentions = [(record["note"]["text"], m) for record in records for m in record["mentions"]]
    assert len(mentions) > 1000
    assert all(text[m["start"] : m["end"]] == m["text"] for text, m in mentions)


def test_what_cannot_be_read_is_named_and_the_rest_goes_in(place: Path) -> None:
    folder = place / "mixed"
    folder.mkdir()
    (folder / "good.txt").write_text("No fever.")
    (folder / "latin.txt").write_bytes("Hypertonie, früher naïv".encode("latin-1"))
    (folder / "empty.txt").write_text("\n")
    done = command(place, "ingest", "mixed", "--store", "mixed-kg")
    assert done.returncode == 1
    assert done.stdout == "mixed-kg: 1 new, 0 changed, 0 unchanged\n"
    lines = done.stderr.strip().splitlines()
    assert [line for line in lines if "latin.txt" in line] and [line for line in lines if "empty.txt" in line]
    assert lines[-1] == "Error: 2 notes could not be read"
    assert "Hypertonie" not in done.stderr


def test_a_folder_that_is_not_there_leaves_no_store(place: Path) -> None:
    done = command(place, "ingest", "nowhere", "--store", "nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and "nowhere" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (place / "nothing").exists()


def test_notes_come_from_stdin_too(place: Path) -> None:
    line = json.dumps(
        {"id": "s1", "patient_id": "ps", "date": "2020-02-02", "text": "CT of the chest showed pneumonia."}
    )
    assert command(place, "ingest", "-", "--store", "stdin-kg", text=line + "\n").stdout.startswith("stdin-kg: 1 new")
    events = json.loads(command(place, "timeline", "ps", "--store", "stdin-kg", "--format", "json").stdout)["events"]
    assert [(e["start"], e["source"]) for e in events if e["text"] == "pneumonia"] == [("2020-02-02", "note date")]


def test_retract_withdraws_a_note_and_a_second_time_fails(place: Path) -> None:
    line = json.dumps({"id": "r1", "patient_id": "pr", "text": "Severe asthma."})
    command(place, "ingest", "-", "--store", "retract-kg", text=line)
    assert command(place, "retract", "r1", "--store", "retract-kg").returncode == 0
    assert (
        json.loads(command(place, "timeline", "pr", "--store", "retract-kg", "--format", "json").stdout)["events"] == []
    )
    again = command(place, "retract", "r1", "--store", "retract-kg")
    assert (again.returncode, again.stderr) == (1, "Error: retract-kg: no note 'r1'\n")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("timeline",), 2, "Missing argument"),
        (("timeline", "p1", "--format", "xml"), 2, "Invalid value"),
        (("resolve", "fever", "--system", "icd99"), 1, "icd10cm"),
        (("resolve", "fever", "--system", "snomedct"), 1, "snomedct"),
        (("patients", "--store", "nowhere"), 1, "nowhere"),
        (("patients", "--store", "neo4j://localhost"), 1, "neo4j"),
        (("query", "DELETE WHERE { ?s ?p ?o }"), 1, ""),
        (("query", "SELECT ?x WHERE { ?x"), 1, ""),
        (("ontology", "add", "cpt", "examples/notes/README.md"), 1, "README.md:1"),
        (("ontology", "show", "icd10cm", "K99"), 1, "icd10cm April 2026: no code K99"),
        (("ontology", "show", "snomedct", "1"), 1, "kgbuild ontology add snomedct FILE"),
    ],
)
def test_what_is_wrong_is_one_line_and_the_right_status(
    run: Run, arguments: tuple[str, ...], status: int, said: str
) -> None:
    done = run(*arguments)
    assert done.returncode == status
    assert said in done.stderr and "Traceback" not in done.stderr
    assert status == 2 or (done.stderr.startswith("Error: ") and len(done.stderr.strip().splitlines()) == 1)


def test_a_code_is_shown_with_what_stands_above_and_below(run: Run) -> None:
    (shown,) = [
        json.loads(line) for line in run("ontology", "show", "icd10cm", "K76", "--format", "jsonl").stdout.splitlines()
    ]
    assert (shown["name"], shown["parents"]) == ("Other diseases of liver", ["K70-K77"])
    assert {"K76.0", "K76.9"} <= set(shown["children"])
    table = run("ontology", "show", "icd10cm", "K76.0").stdout
    assert "above    K76  " in table and "Fatty (change of) liver, not elsewhere classified" in table


def test_search_ranks_where_resolve_abstains(run: Run) -> None:
    asked = ("fatty change", "--system", "icd10cm", "--format", "jsonl", "-k", "3")
    rows = [json.loads(line) for line in run("ontology", "search", *asked).stdout.splitlines()]
    assert len(rows) == 3
    assert "K76.0" in [row["code"] for row in rows]


def test_an_unknown_patient_has_an_empty_timeline(run: Run) -> None:
    done = run("timeline", "nobody", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"patient": "nobody", "events": []})


@pytest.mark.parametrize("form", ["turtle", "nq"])
def test_exports_parse(run: Run, place: Path, form: str) -> None:
    assert run("export", "--format", form, "-o", "out.rdf").returncode == 0
    graph = rdflib.Dataset(default_union=True)
    graph.parse(place / "out.rdf", format={"nq": "nquads"}.get(form, form))
    patients = set(graph.subjects(rdflib.RDF.type, rdflib.URIRef("https://w3id.org/kgbuild#Patient")))
    assert len(patients) == 15


def test_a_file_that_cannot_be_written_whole_is_absent(run: Run, place: Path) -> None:
    before = sorted(place.iterdir())
    done = run("query", "SELECT ?x WHERE { ?x", "-o", "broken.txt")
    assert done.returncode == 1
    assert sorted(place.iterdir()) == before


def test_export_formats_are_the_ones_the_help_names() -> None:
    assert EXPORTS == FORMATS


def test_resolve_reads_a_query_a_line(run: Run) -> None:
    done = run("resolve", "--system", "icd10cm", "-k", "2", "--format", "jsonl", text="chest pain\nTuesday\n")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["query"], row["best"]) for row in rows] == [("chest pain", "R07.9"), ("Tuesday", None)]
    assert all(len(row["candidates"]) <= 2 for row in rows)


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        ("timelines", ["nothing written", "p1", "N28.1", "142.00"]),
        ("compare", ["3324F", "71260", "L98.9", "K76.9", "169069000", "300331000", "enriched_accuracy"]),
        ("rdf", ["kg.ttl", "K76.9", "urn:kgbuild:note/p3-2020", "1 new, 0 changed, 28 unchanged"]),
    ],
)
def test_an_example_runs_and_shows_what_its_readme_says(place: Path, example: str, shown: list[str]) -> None:
    bin_folder = str(Path(sys.executable).parent)
    environment = os.environ | {"BIN": bin_folder, "KGBUILD_HOME": str(place / "home"), "KGBUILD_STORE": "example-kg"}
    script = f"examples/{example}/run.sh"
    done = subprocess.run(["sh", script], cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [words for words in shown if words not in done.stdout] == []


@pytest.mark.parametrize("path", [path for path, _ in commands(cli) if path[0] not in ("train", "evaluate")])
def test_the_example_in_the_help_works_as_printed(place: Path, path: tuple[str, ...]) -> None:
    """Training and evaluation need the corpus, which is not in the repository."""
    help_text = re.sub(r"\s+", " ", dict(commands(cli))[path].help or "")
    example = help_text.partition("Example: kgbuild ")[2]
    assert example, f"{path} has no example"
    work = place / "examples-home" if path[0] == "ontology" else place
    work.mkdir(exist_ok=True)
    if path == ("ontology", "remove"):
        command(place, "ontology", "add", "cpt", str(TABLES / "cpt.tsv"), home="examples-home")
    if path == ("retract",):
        command(place, "ingest", "examples/notes")
    done = command(place, *shlex.split(example), home="examples-home" if path[0] == "ontology" else "home")
    assert done.returncode == 0, done.stderr


# --- notes that cannot be read ------------------------------------------------------------------------------------
TWO = '{"id": "n1", "text": "Cough.", "date": "yesterday"}\n{"id": "n2", "text": "Cough. 60 mL/min per1.73 m2"}\n'
"""Two notes, the first of which cannot be read."""


@pytest.mark.parametrize("name", ["ingest", "extract", "compare"])
def test_fail_fast_stops_where_the_others_would_go_on(run: Run, name: str) -> None:
    store = ("--store", "fast") if name == "ingest" else ()
    stopped = run(name, "-", *store, "--fail-fast", "--system", "icd10cm", text=TWO)
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.splitlines()[-1].startswith("Error: stdin:1: ")
    gone_on = run(name, "-", *store, "--system", "icd10cm", text=TWO)
    assert gone_on.returncode == 1
    assert gone_on.stderr.splitlines()[-1] == "Error: 1 note could not be read"
    assert {"ingest": "1 new", "extract": '"n2"', "compare": ""}[name] in gone_on.stdout


def test_table_added_again_under_its_release_with_other_codes_reads_the_notes_again(tmp_path: Path) -> None:
    note = '{"id": "n1", "text": "Cough."}\n'
    for code, told in (("R05", "1 new, 0"), ("R05", "0 new, 0 changed, 1 unchanged"), ("R05.9", "0 new, 1 changed")):
        (tmp_path / "codes.tsv").write_text(f"code\tname\n{code}\tCough\n")
        added = command(tmp_path, "ontology", "add", "icd10cm", "codes.tsv", "--release", "2026")
        assert added.returncode == 0, added.stderr
        done = command(tmp_path, "ingest", "-", "--store", "again", text=note)
        assert f"again: {told}" in done.stdout, done.stderr
