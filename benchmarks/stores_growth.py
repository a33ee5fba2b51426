"""What a growing store costs: a note put, changed and withdrawn, and a timeline, as notes and patients add up."""

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from extractors.document import Document, Mention, Relation
from kgbuild.enrich import Chunk, chunks
from kgbuild.graph import Edge, Node, NoteGraph, Scalar, note_graph
from kgbuild.note import Note
from kgbuild.query import timeline
from kgbuild.resolve import Resolution, ResolvedNote
from kgbuild.stores import GraphStore
from ontologies.concept import Concept
from resolvers.candidate import Candidate

LONGEST_TIMELINE = 0.020
"""Seconds that ``--check`` allows for a patient's timeline, in the median."""

MOST_GROWTH = 2.0
"""How many times as much as in the smallest store ``--check`` allows a note to cost in the largest."""

_LABELS = ("Sign_symptom", "Disease_disorder", "Diagnostic_procedure", "Medication", "Therapeutic_procedure")
_CODED = 2_000  # different findings, each with a code of its own and two alternatives
_SHORT = 6  # mentions of a note while the store grows; those of the comparison have 60, a discharge summary's hundreds
_TEMPLATES = 300
_ONE_BY_ONE = 20
_TIMELINES = 200
_LONGEST_MERGE = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds, in a store of so many notes; of timelines also the 95th percentile."""

    notes: int
    patients: int
    put: float
    change: float
    retract: float
    timeline: float
    slow_timeline: float


def growth(
    store: GraphStore, fill: Callable[[Sequence[NoteGraph]], object], sizes: Sequence[int], of_patient: int
) -> list[Costs]:
    """Return and print what notes and a timeline cost when the store holds so many notes, some of each patient.

    A store is measured when it has merged what it was filled with.

    Args:
        store: An empty one, or one that an earlier run has filled.
        fill: Writes notes whose cost is not measured.
        sizes: Notes in the store, growing.
        of_patient: Notes of each patient.
    """
    print(f"{of_patient} notes a patient of {_SHORT} mentions; milliseconds, medians")
    print(
        "notes    patients ", *(name.ljust(9) for name in ("put", "change", "retract", "timeline", "95th percentile"))
    )
    found = []
    added = len(store.note_ids())
    for size in sizes:
        for begin in range(added, size, _TEMPLATES):
            fill([_note(i, of_patient) for i in range(begin, min(begin + _TEMPLATES, size))])
        added = size
        _settle()
        found.append(costs := _measured(store, size, of_patient))
        shown = (costs.put, costs.change, costs.retract, costs.timeline, costs.slow_timeline)
        print(f"{size:<9,}{costs.patients:<9,}", *(f"{1e3 * one:.1f}".ljust(9) for one in shown), flush=True)
    return found


def _settle() -> None:
    """Wait until threads in the background have merged what the store was filled with, as they have in daily use."""
    end = time.monotonic() + _LONGEST_MERGE
    quiet = 0
    while quiet < 3 and time.monotonic() < end:
        before = time.process_time()
        time.sleep(1)
        quiet = quiet + 1 if time.process_time() - before < 0.05 else 0


def _measured(store: GraphStore, notes: int, of_patient: int) -> Costs:
    """Return what notes and timelines cost; the store is left as it was."""
    new = [_note(notes + i, of_patient) for i in range(_ONE_BY_ONE)]
    put = [_seconds(partial(store.put, [graph])) for graph in new]
    change = [_seconds(partial(store.put, [_changed(graph)])) for graph in new]
    retract = [_seconds(partial(store.retract, graph.note_id)) for graph in new]
    patients = [f"p{random.Random(i).randrange(notes // of_patient)}" for i in range(_TIMELINES)]  # noqa: S311
    waits = sorted(_seconds(partial(timeline, store, patient)) for patient in patients)
    slow = waits[int(0.95 * _TIMELINES) - 1]
    return Costs(notes, notes // of_patient, median(put), median(change), median(retract), median(waits), slow)


def _seconds(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def faults(name: str, costs: Sequence[Costs]) -> list[str]:
    """Return what of a store is slower than it may be."""
    first, last = costs[0], costs[-1]
    found = [
        f"{name}: {what} cost {now / before:.1f} times as much with {last.notes:,} notes as with {first.notes:,}"
        for what, before, now in (
            ("putting a note", first.put, last.put),
            ("changing a note", first.change, last.change),
            ("retracting a note", first.retract, last.retract),
        )
        if now > MOST_GROWTH * before
    ]
    if last.timeline > LONGEST_TIMELINE:
        found.append(f"{name}: a timeline took {1e3 * last.timeline:.0f} ms with {last.patients:,} patients")
    return found


def plot(costs: dict[str, Sequence[Costs]], path: Path) -> None:
    """Draw what each store costs as it grows."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "kgbuild"  # the same figures give the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(costs), figsize=(5 * len(costs), 3.5), squeeze=False)
    for axis, (name, found) in zip(axes[0], costs.items(), strict=True):
        for what in ("put", "change", "retract", "timeline"):
            axis.plot([c.notes for c in found], [1e3 * getattr(c, what) for c in found], marker="o", label=what)
        axis.set(title=name, xscale="log", ylim=0, xlabel="notes in the store", ylabel="milliseconds")
        axis.legend()
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


# --- made-up notes ------------------------------------------------------------------------------------------------
def synthetic(number: int, *, patient: str, mentions: int = 60) -> NoteGraph:
    """Return the graph of a made-up note: mentions of findings, most of them coded, every third with a site."""
    chance = random.Random(number)  # noqa: S311 (made-up notes)
    text, found, relations = "", list[Mention](), list[Relation]()
    for i in range(mentions):
        kind = "Biological_structure" if i % 3 == 2 else _LABELS[chance.randrange(len(_LABELS))]
        name = f"site {chance.randrange(80)}" if i % 3 == 2 else f"finding {int(chance.paretovariate(0.6)) % _CODED}"
        assertion = "absent" if chance.random() < 0.1 else "present"
        mention = Mention(len(text), len(text) + len(name), kind, name, assertion)
        text += name + ". "
        if i % 3 == 2:
            relations.append(Relation(mention, found[-1], "MODIFY", 0.9))
        found.append(mention)
    day = date(2015, 1, 1) + timedelta(chance.randrange(3_000))
    read = Document(text, tuple(found), tuple(relations))
    answers = [_resolution(chunk) for chunk in chunks(read) if chunk.mention.text.startswith("finding")]
    note = Note(f"n{number}", text, patient, None, day)
    return note_graph(ResolvedNote(note, read, tuple(answers)), "f1")


def _resolution(chunk: Chunk) -> Resolution:
    """Return the codes of a finding: its own and two alternatives, each below a category."""
    number = int(chunk.mention.text.split()[1])
    offered = [(number, 0.8), ((number + 7) % _CODED, 0.4), ((number + 13) % _CODED, 0.2)]
    candidates = tuple(
        Candidate(Concept("icd10cm", f"X{code:04}", f"Finding {code}", parents=(f"X{code // 10:03}",)), score, "")
        for code, score in offered
    )
    return Resolution(chunk, "icd10cm", "2026", candidates, 0.5)


@cache
def _template(number: int) -> NoteGraph:
    return synthetic(number, patient="p", mentions=_SHORT)


def _note(number: int, of_patient: int) -> NoteGraph:
    """Return one of some hundred made-up notes as that of another patient, which is made faster than a new one."""
    graph, note, patient = _template(number % _TEMPLATES), f"n{number}", f"p{number // of_patient}"
    names = dict.fromkeys(("note", "mention"), note) | dict.fromkeys(("patient", "entity", "event"), patient)

    def renamed(value: Scalar) -> Scalar:
        kind, slash, rest = str(value).partition("/")
        _, end, rest = rest.partition("/")
        return f"{kind}/{names[kind]}{end}{rest}" if slash and kind in names else value

    def of_edge(name: str, value: Scalar) -> Scalar:
        return note if name == "note" else renamed(value)

    def of_node(node: Node) -> Node:
        own = {"Note": {"key": note}, "Patient": {"key": patient}, "Entity": {"patient": patient}}
        return Node(node.type, str(renamed(node.id)), {**node.properties, **own.get(node.type, {})})

    edges = (
        Edge(
            e.type, str(renamed(e.source)), str(renamed(e.target)), {n: of_edge(n, v) for n, v in e.properties.items()}
        )
        for e in graph.edges
    )
    return NoteGraph(note, graph.fingerprint, tuple(map(of_node, graph.nodes)), tuple(edges))


def _changed(graph: NoteGraph) -> NoteGraph:
    """Return the note as another reading of it: half its mentions have another score."""
    nodes = [
        replace(node, properties={**node.properties, "score": 0.5}) if node.type == "Mention" and i % 2 else node
        for i, node in enumerate(graph.nodes)
    ]
    nodes = [Node(n.type, n.id, {**n.properties, "fingerprint": "f2"}) if n.type == "Note" else n for n in nodes]
    return replace(graph, fingerprint="f2", nodes=tuple(nodes))
