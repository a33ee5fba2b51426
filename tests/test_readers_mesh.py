"""MeSH in XML, ASCII and as a table of terms: the same concepts from each, and what a malformed file is told."""

import gzip
from pathlib import Path

import pytest

from ontologies.concept import Concept, TableError
from ontologies.readers.mesh import is_mesh, read_mesh

DESC = """\
<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20260101.dtd">
<DescriptorRecordSet LanguageCode = "eng">
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D004066</DescriptorUI>
  <DescriptorName>
    <String>Digestive System Diseases</String>
  </DescriptorName>
  <AllowableQualifiersList>
    <AllowableQualifier>
      <QualifierReferredTo>
        <QualifierUI>Q000453</QualifierUI>
        <QualifierName>
          <String>epidemiology</String>
        </QualifierName>
      </QualifierReferredTo>
    </AllowableQualifier>
  </AllowableQualifiersList>
  <TreeNumberList>
    <TreeNumber>C06</TreeNumber>
  </TreeNumberList>
</DescriptorRecord>
<DescriptorRecord DescriptorClass = "1">
  <DescriptorUI>D008107</DescriptorUI>
  <DescriptorName>
    <String>Liver Diseases</String>
  </DescriptorName>
  <SeeRelatedList>
    <SeeRelatedDescriptor>
      <DescriptorReferredTo>
        <DescriptorUI>D004066</DescriptorUI>
        <DescriptorName>
          <String>Digestive System Diseases</String>
        </DescriptorName>
      </DescriptorReferredTo>
    </SeeRelatedDescriptor>
  </SeeRelatedList>
  <TreeNumberList>
    <TreeNumber>C06.552</TreeNumber>
  </TreeNumberList>
  <ConceptList>
    <Concept PreferredConceptYN="Y">
      <ConceptName>
        <String>Liver Diseases</String>
      </ConceptName>
      <TermList>
        <Term ConceptPreferredTermYN="Y" IsPermutedTermYN="N" LexicalTag="NON" RecordPreferredTermYN="Y">
          <TermUI>T024082</TermUI>
          <String>Liver Diseases</String>
        </Term>
        <Term ConceptPreferredTermYN="N" IsPermutedTermYN="Y" LexicalTag="NON" RecordPreferredTermYN="N">
          <TermUI>T024082</TermUI>
          <String>Disease, Liver</String>
        </Term>
      </TermList>
    </Concept>
    <Concept PreferredConceptYN="N">
      <TermList>
        <Term>
          <String>Liver &amp; Bile Dysfunction</String>
        </Term>
      </TermList>
    </Concept>
  </ConceptList>
</DescriptorRecord>
</DescriptorRecordSet>
"""

SUPP = """\
<?xml version="1.0"?>
<!DOCTYPE SupplementalRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmsupplementalrecordset_20260101.dtd">
<SupplementalRecordSet LanguageCode = "eng">
<SupplementalRecord SCRClass = "3">
  <SupplementalRecordUI>C000001</SupplementalRecordUI>
  <SupplementalRecordName>
    <String>Bile stasis, made up</String>
  </SupplementalRecordName>
  <HeadingMappedToList>
    <HeadingMappedTo>
      <DescriptorReferredTo>
        <DescriptorUI>*D008107</DescriptorUI>
      </DescriptorReferredTo>
    </HeadingMappedTo>
    <HeadingMappedTo>
      <DescriptorReferredTo>
        <DescriptorUI>D004066</DescriptorUI>
      </DescriptorReferredTo>
      <QualifierReferredTo>
        <QualifierUI>*Q000453</QualifierUI>
      </QualifierReferredTo>
    </HeadingMappedTo>
    <HeadingMappedTo>
      <DescriptorReferredTo>
        <DescriptorUI>D999999</DescriptorUI>
      </DescriptorReferredTo>
    </HeadingMappedTo>
  </HeadingMappedToList>
  <ConceptList>
    <Concept PreferredConceptYN="Y">
      <TermList>
        <Term>
          <String>Bile stasis, made up</String>
        </Term>
        <Term>
          <String>Stasis of bile</String>
        </Term>
      </TermList>
    </Concept>
  </ConceptList>
</SupplementalRecord>
</SupplementalRecordSet>
"""

DESC_BIN = """\
*NEWRECORD
RECTYPE = D
MH = Digestive System Diseases
AQ = BL CF CI
MN = C06
MS = Diseases in any part of the tract = from mouth to anus.
UI = D004066

*NEWRECORD
RECTYPE = D
MH = Liver Diseases
PRINT ENTRY = Disease, Liver|T047|NON|EQV|NLM (1994)|930624|abbcdef
ENTRY = Liver & Bile Dysfunction|T046|NON|REL|UNK (19XX)|910923|abcdef
MN = C06.552
MH_TH = NLM (1966)
UI = D008107
"""

SUPP_BIN = """\
*NEWRECORD
RECTYPE = C
NM = Bile stasis, made up
RN = 0
SY = Stasis of bile|T047|EQV|ORD (2010)|100625|abdef
HM = *Liver Diseases
HM = Digestive System Diseases/*epidemiology
HM = Withdrawn Diseases
UI = C000001
"""

TABLE = """\
code\tsystem\tdisplay\tsource_file\tterm_type\ttree_numbers
D004066\tMESH\tDigestive System Diseases\tindra\tpreferred\tC06
D008107\tMESH\tLiver Diseases\tindra\tpreferred\tC06.552
D008107\tMESH\tDisease, Liver\tindra\tentry\t
D008107\tMESH\tLiver & Bile Dysfunction\tindra\tentry\t
"""

DESCRIPTORS = [
    Concept("mesh", "D004066", "Digestive System Diseases"),
    Concept("mesh", "D008107", "Liver Diseases", ("Disease, Liver", "Liver & Bile Dysfunction"), ("D004066",)),
]
SUPPLEMENT = Concept("mesh", "C000001", "Bile stasis, made up", ("Stasis of bile",), ("D008107", "D004066"))


def write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def read(*files: Path) -> list[Concept]:
    return list(read_mesh("mesh", "2026", files))


LAYOUTS = [("desc2026.xml", DESC), ("desc2026.gz", DESC), ("d2026.bin", DESC_BIN), ("mesh.tsv.gz", TABLE)]


@pytest.mark.parametrize(("name", "text"), LAYOUTS)
def test_every_layout_gives_the_same_descriptors(tmp_path: Path, name: str, text: str) -> None:
    file = write(tmp_path / name, text)
    assert is_mesh([file])
    assert read(file) == DESCRIPTORS


@pytest.mark.parametrize(("name", "text"), LAYOUTS)
@pytest.mark.parametrize(("supp_name", "supp"), [("supp2026.xml", SUPP), ("c2026.bin", SUPP_BIN)])
def test_supplementary_concept_stands_below_the_headings_it_maps_to(
    tmp_path: Path, name: str, text: str, supp_name: str, supp: str
) -> None:
    files = [write(tmp_path / supp_name, supp), write(tmp_path / name, text)]
    assert is_mesh(files)
    assert read(*files) == [SUPPLEMENT, *DESCRIPTORS]


@pytest.mark.parametrize(("name", "text"), [("supp2026.xml", SUPP), ("c2026.bin", SUPP_BIN)])
def test_supplementary_concepts_alone_have_no_parents(tmp_path: Path, name: str, text: str) -> None:
    assert read(write(tmp_path / name, text)) == [
        Concept("mesh", "C000001", "Bile stasis, made up", ("Stasis of bile",))
    ]


@pytest.mark.parametrize(("name", "text"), LAYOUTS)
def test_line_ends_and_byte_order_mark_change_nothing(tmp_path: Path, name: str, text: str) -> None:
    assert read(write(tmp_path / name, "\ufeff" + text.replace("\n", "\r\n"))) == DESCRIPTORS


def test_xml_on_one_line_is_read(tmp_path: Path) -> None:
    assert read(write(tmp_path / "desc2026.xml", DESC.replace("\n", " "))) == DESCRIPTORS


# --- hierarchy ------------------------------------------------------------------------------------------------------
def record(code: str, name: str, *tree_numbers: str) -> str:
    lines = [f"MH = {name}", *(f"MN = {number}" for number in tree_numbers), f"UI = {code}"]
    return "\n".join(["*NEWRECORD", *lines, ""])


def parents(folder: Path, *records: str) -> dict[str, tuple[str, ...]]:
    return {concept.code: concept.parents for concept in read(write(folder / "d2026.bin", "".join(records)))}


def test_descriptor_in_two_branches_has_a_parent_in_each(tmp_path: Path) -> None:
    assert parents(
        tmp_path, record("D1", "a", "C06"), record("D2", "b", "C23"), record("D3", "c", "C06.1", "C23.9", "C06.7")
    ) == {"D1": (), "D2": (), "D3": ("D1", "D2")}


def test_parent_is_one_step_up_and_not_a_number_that_begins_alike(tmp_path: Path) -> None:
    assert parents(
        tmp_path, record("D1", "a", "C06"), record("D2", "b", "C06.5"), record("D3", "c", "C06.55", "C06.5.1")
    ) == {"D1": (), "D2": ("D1",), "D3": ("D1", "D2")}


def test_descriptor_below_itself_is_not_its_own_parent(tmp_path: Path) -> None:
    assert parents(tmp_path, record("D1", "a", "C06", "C06.1")) == {"D1": ()}


def test_empty_tree_number_is_no_parent_of_the_top(tmp_path: Path) -> None:
    assert parents(tmp_path, record("D1", "a", ""), record("D2", "b", "C06")) == {"D1": (), "D2": ()}


def test_descriptor_outside_the_trees_has_no_parent(tmp_path: Path) -> None:
    assert parents(tmp_path, record("D005260", "Female")) == {"D005260": ()}


def test_strabismus_below_and_above_ocular_motility_disorders_is_left_below(tmp_path: Path) -> None:
    assert parents(
        tmp_path,
        record("D015835", "Ocular Motility Disorders", "C10.292.562", "C10.292.562.887.825", "C11.590"),
        record("D013285", "Strabismus", "C10.292.562.887", "C11.590.810"),
        record("D005128", "Eye Diseases", "C11"),
    ) == {"D015835": ("D005128",), "D013285": ("D015835",), "D005128": ()}


# --- what is told of other files ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mesh.tsv", "code\tname\tsynonyms\tparents\nD1\ta\t\t\n"),
        ("desc2026.xml", "<?xml version='1.0'?>\n<Mondial>\n</Mondial>\n"),
        ("desc2026.zip", DESC),
        ("hp.obo", "format-version: 1.2\n"),
        ("empty.bin", ""),
    ],
)
def test_other_files_are_not_taken_for_mesh(tmp_path: Path, name: str, text: str) -> None:
    file = write(tmp_path / name, text)
    assert not is_mesh([file])
    assert not is_mesh([write(tmp_path / "d2026.bin", DESC_BIN), file])
    with pytest.raises(
        TableError, match=f"{name}:1: expected MeSH in XML, in ASCII or as a table of terms, found none"
    ):
        read(file)


def test_no_file_and_a_folder_are_not_mesh(tmp_path: Path) -> None:
    assert not is_mesh([])
    assert not is_mesh([tmp_path])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("desc.xml", DESC.replace("</TreeNumber>\n", "\n", 1), r"desc\.xml:21: expected XML, found mismatched tag"),
        ("desc.xml", DESC[:900], r"desc\.xml:\d+: expected XML, found "),
        ("desc.xml", DESC.replace("&amp;", "&bile;"), r"desc\.xml:\d+: expected XML, found "),
        (
            "desc.xml",
            DESC.replace("D004066</DescriptorUI>", "</DescriptorUI>", 1),
            r"desc\.xml:22: expected a code with a name, found '' with 'Digestive System Diseases'",
        ),
        ("d.bin", "*NEWRECORD\nMH = a\nUI D1\n", r"d\.bin:3: expected \*NEWRECORD or ELEMENT = VALUE, found 'UI D1'"),
        ("d.bin", "MH = a\n*NEWRECORD\n", r"d\.bin:1: expected \*NEWRECORD or ELEMENT = VALUE, found 'MH = a'"),
        ("d.bin", "*NEWRECORD\nUI = D1\n", r"d\.bin:1: expected a code with a name, found 'D1' with ''"),
        ("d.bin", "*NEWRECORD\nMH = a\n", r"d\.bin:1: expected a code with a name, found '' with 'a'"),
        (
            "d.bin",
            record("D1", "a") + record("D1", "b"),
            r"d\.bin:4: expected each code once, found D1 again, first in .*d\.bin:1",
        ),
        (
            "t.tsv",
            TABLE.replace("preferred\tC06\n", "main\tC06\n"),
            r"t\.tsv:2: expected the term_type preferred or entry, found 'main'",
        ),
        ("t.tsv", TABLE + "D1\tMESH\ta\tx\tentry\t\n", r"t\.tsv:6: expected a code with a name, found 'D1' with ''"),
        ("t.tsv", TABLE + "D1\tMESH\ta\n", r"t\.tsv:6: expected 6 columns, found 3"),
        ("t.tsv", "code\ttree_numbers\n", r"t\.tsv:1: expected a header with code, .*, found no display, term_type"),
    ],
)
def test_malformed_file_is_told_file_line_expected_and_found(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(TableError, match=message):
        read(write(tmp_path / name, text))


def test_record_in_two_files_is_told_both_places(tmp_path: Path) -> None:
    files = write(tmp_path / "desc.xml", DESC), write(tmp_path / "d.bin", DESC_BIN)
    with pytest.raises(TableError, match=r"d\.bin:1: expected each code once, found D004066 again, first in .*xml:22"):
        read(*files)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE DescriptorRecordSet [\n<!ENTITY a "ha">\n<!ENTITY b "&a;&a;&a;&a;">\n]>\n'
    text = DESC.replace(DESC.splitlines(keepends=True)[1], bomb).replace("&amp;", "&b;")
    with pytest.raises(TableError, match=r"desc\.xml:3: expected XML without entities of its own, found <!ENTITY"):
        read(write(tmp_path / "desc.xml", text))


def test_document_type_on_disk_is_not_opened(tmp_path: Path) -> None:
    dtd = write(tmp_path / "mesh.dtd", "<!ENTITY bile 'Bile'>\n")
    text = DESC.replace(DESC.splitlines()[1], f'<!DOCTYPE DescriptorRecordSet SYSTEM "{dtd}">')
    assert read(write(tmp_path / "desc.xml", text)) == DESCRIPTORS
    with pytest.raises(TableError, match="expected XML, found "):
        read(write(tmp_path / "other.xml", text.replace("&amp;", "&bile;")))
