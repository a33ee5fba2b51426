"""Commands about code tables: ontology list, add, remove, show, search."""

from collections.abc import Iterator
from pathlib import Path

import click

from kgbuild.cli_options import as_text, format_option, print_rows, tell
from kgbuild.cli_output import output_option
from ontologies.concept import CodeTable, TableError


@click.group()
def ontology() -> None:
    """Code tables: list, add, remove, show, search."""


@ontology.command("list")
@format_option("table", "jsonl")
@output_option
def list_tables(form: str, target: Path | None) -> None:
    """List the code tables that resolve and ingest use.

    Example: kgbuild ontology list
    """
    from ontologies import store as table_store

    rows: list[dict[str, object]] = [
        {name: getattr(table, name) for name in ("system", "title", "release", "codes", "names", "bytes", "licence")}
        | {"source": "added" if table.is_added else "built in"}
        for table in table_store.tables()
    ]
    print_rows(target, form, rows, ("system", "title", "release", "codes", "names", "bytes", "source", "licence"))


@ontology.command()
@click.argument("system")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--release", help="What the publisher calls this edition. Default: the date in a file's name.")
def add(system: str, files: tuple[Path, ...], release: str | None) -> None:
    """Add the table of SYSTEM from the publisher's FILES; it replaces an earlier one once it is whole.

    FILES are what the publisher gives out: a SNOMED CT RF2 folder, RXNCONSO.RRF and RXNREL.RRF, MRCONSO.RRF, the AMA's
    LONGULT.txt, HCPCS, Loinc.csv, an Athena folder, order files of ICD-10, OBO, MeSH; or a TSV with the columns code,
    name, synonyms and parents (several with | between).

    Example: kgbuild ontology add cpt examples/tables/cpt.tsv --release example
    """
    from ontologies import store as table_store
    from resolvers.names import check_names

    info = table_store.add_table(system, files, release, check_names)
    tell(f"{info.system}: {info.codes} codes, {info.names} names, release {info.release}")


@ontology.command()
@click.argument("system")
@click.argument("code")
@format_option("table", "jsonl")
@output_option
def show(system: str, code: str, form: str, target: Path | None) -> None:
    """Show a CODE of SYSTEM: every name, what stands right above and right below.

    Example: kgbuild ontology show icd10cm K76.9
    """
    from ontologies import store as table_store

    table = table_store.open_table(system, tell)
    if code not in table.by_code:
        raise TableError(f"{system} {table.release}: no code {code}")
    if form == "table":
        print_rows(target, form, list(_facts_of(table, code)), ("what", "code", "name"))
    else:
        print_rows(target, form, [_record_of(table, code)], ())


def _facts_of(table: CodeTable, code: str) -> Iterator[dict[str, object]]:
    """Yield what there is to say of a code, a row a fact."""
    concept = table.by_code[code]
    for what, name in [("name", concept.name), *(("synonym", name) for name in concept.synonyms)]:
        yield {"what": what, "code": code, "name": name}
    for what, others in (("above", concept.parents), ("below", table.children.get(code, ()))):
        for other in others:
            yield {"what": what, "code": other, "name": table.by_code[other].name}


def _record_of(table: CodeTable, code: str) -> dict[str, object]:
    """Return what there is to say of a code as one record."""
    concept = table.by_code[code]
    return {
        "system": table.system, "release": table.release, "code": code, "name": concept.name,
        "synonyms": list(concept.synonyms), "parents": list(concept.parents),
        "children": list(table.children.get(code, ())), "assignable": concept.assignable,
    }  # fmt: skip


@ontology.command()
@click.argument("text", callback=as_text)
@click.option("--system", "systems", multiple=True, required=True, help="Code system; may be given several times.")
@click.option("-k", "count", default=10, show_default=True, type=click.IntRange(1, 1000), help="Codes a system.")
@format_option("table", "jsonl")
@output_option
def search(text: str, systems: tuple[str, ...], count: int, form: str, target: Path | None) -> None:
    """Rank the codes that TEXT may mean, however unsure; `kgbuild resolve` abstains where nothing is sure.

    Example: kgbuild ontology search "fatty liver" --system icd10cm
    """
    from resolvers.index import open_resolver

    rows: list[dict[str, object]] = []
    for system in systems:
        (candidates,) = open_resolver(system, tell)([text], count)
        rows += [
            {"system": system, "code": c.concept.code, "name": c.concept.name, "matched": c.matched,
             "score": f"{c.score:.2f}"}
            for c in candidates
        ]  # fmt: skip
    print_rows(target, form, rows, ("system", "code", "name", "matched", "score"))


@ontology.command()
@click.argument("system")
def remove(system: str) -> None:
    """Remove the added table of SYSTEM; a built-in one comes back.

    Example: kgbuild ontology remove cpt
    """
    from ontologies import store as table_store

    table_store.remove_table(system)
    tell(f"{system}: removed")
