"""RxNorm and the UMLS Metathesaurus, from made-up files in the layout of the NLM."""

import gzip
from pathlib import Path

import pytest

from ontologies.concept import CodeTable, Concept, TableError
from ontologies.packed import read_table, write_table
from ontologies.readers.rrf import is_mrconso, is_rxnorm, read_mrconso, read_rxnorm

# RXCUI|LAT|TS|LUI|STT|SUI|ISPREF|RXAUI|SAUI|SCUI|SDUI|SAB|TTY|CODE|STR|SRL|SUPPRESS|CVF|
RXNCONSO = """\
1191|ENG||||||100|100|1191||NDDF|IN|001587|ASA||N||
1191|ENG||||||101|101|1191||RXNORM|SY|1191|acetylsalicylic acid||N||
1191|ENG||||||102|102|1191||RXNORM|IN|1191|aspirin||N|4096|
1191|ENG||||||103|103|1191||MTHSPL|SU|R16CO5Y76E|ASPIRIN||N||
1191|ENG||||||104|104|1191||RXNORM|SY|1191|2-acetoxybenzoic acid||O||
1191|SPA||||||105|105|1191||RXNORM|SY|1191|aspirina||N||
1154070|ENG||||||106|106|1154070||RXNORM|SCDF|1154070|aspirin Oral Tablet||N|4096|
315431|ENG||||||107|107|315431||RXNORM|SCDC|315431|aspirin 81 MG||N|4096|
243670|ENG||||||108|108|243670||RXNORM|PSN|243670|aspirin 81 MG Oral Tablet||N||
243670|ENG||||||109|109|243670||RXNORM|SCD|243670|aspirin 81 MG Oral Tablet||N|4096|
215568|ENG||||||110|110|215568||RXNORM|BN|215568|Bayer Aspirin||N|4096|
900001|ENG||||||111|111|900001||RXNORM|SBD|900001|aspirin 81 MG Oral Tablet [Old]||O||
900002|ENG||||||112|112|900002||MTHSPL|DP|55154-1|ASPIRIN tablet||N||
"""
# RXCUI1|RXAUI1|STYPE1|REL|RXCUI2|RXAUI2|STYPE2|RELA|RUI|SRUI|SAB|SL|DIR|RG|SUPPRESS|CVF|
RXNREL = """\
315431||CUI|RO|243670||CUI|consists_of|1||RXNORM|||||4096|
243670||CUI|RO|315431||CUI|constitutes|2||RXNORM|||||4096|
1154070||CUI|RN|243670||CUI|isa|3||RXNORM|||||4096|
243670||CUI|RB|1154070||CUI|inverse_isa|4||RXNORM|||||4096|
1191||CUI|RO|315431||CUI|has_ingredient|5||RXNORM||||||
315431||CUI|RO|1191||CUI|ingredient_of|6||RXNORM||||||
1191||CUI|RO|1154070||CUI|has_ingredient|7||RXNORM||||||
1191||CUI|RN|215568||CUI|tradename_of|8||RXNORM||||N||
1191||CUI|RO|243670||CUI|has_ingredient|9||MTHSPL||||||
1191||CUI|RO|243670||CUI|has_ingredient|10||RXNORM||||O||
215568||CUI|RO|900001||CUI|has_ingredient|11||RXNORM||||||
900002||CUI|RO|243670||CUI|has_ingredient|12||RXNORM||||||
|107|AUI|SY||108|AUI||13||RXNORM||||||
"""

# CUI|LAT|TS|LUI|STT|SUI|ISPREF|AUI|SAUI|SCUI|SDUI|SAB|TTY|CODE|STR|SRL|SUPPRESS|CVF|
MRCONSO = """\
C0023895|ENG|S|L1|PF|S1|Y|A1||||ICD10CM|AB|K76.9|Liver disease NOS|4|Y||
C0023895|ENG|S|L2|PF|S2|Y|A2||||ICD10CM|ET|K76.9|Hepatic disease|4|N||
C0023895|ENG|S|L3|PF|S3|Y|A3||||ICD10CM|PT|K76.9|Liver disease, unspecified|4|N||
C0023895|ENG|P|L4|VO|S4|Y|A4||||MSH|PM|D008107|Disease, Liver|0|N||
C0023895|ENG|P|L4|PF|S5|N|A5||||SNOMEDCT_US|SY|235856003|Liver disease|9|N||
C0023895|ENG|P|L4|PF|S5|Y|A6||||MSH|PEP|D008107|Liver disease|0|N||
C0023895|ENG|S|L5|PF|S6|Y|A7||||MSH|MH|D008107|Liver Diseases|0|N||
C0023895|ENG|S|L6|PF|S7|Y|A8||||SNOMEDCT_US|FN|235856003|Disorder of liver (disorder)|9|N||
C0023895|ENG|S|L7|PF|S8|Y|A9||||SNOMEDCT_US|PT|235856003|Disorder of liver|9|N||
C0023895|GER|P|L8|PF|S9|Y|A10||||MSHGER|MH|D008107|Leberkrankheiten|3|N||
C0012634|ENG|P|L9|PF|S10|Y|A11||||SNOMEDCT_US|PT|64572001|Disease|9|N||
C0012634|ENG|P|L9|PF|S10|Y|A12||||MSH|NM|NOCODE|Disease|0|N||
C0348990|ENG|P|L10|PF|S11|Y|A13||||ICD10CM|HT|K76|Other diseases of liver|4|N||
C0178283|ENG|P|L11|PF|S12|Y|A14||||ICD10CM|HT|K70-K77|Diseases of liver (K70-K77)|4|N||
C0202098|ENG|P|L12|PF|S13|Y|A15||||LNC|LN|2345-7|Glucose:MCnc:Pt:Ser/Plas:Qn|0|N||
C0202098|ENG|S|L13|PF|S14|Y|A16||||LNC|LC|2345-7|Glucose [Mass/volume] in Serum or Plasma|0|N||
C0202098|ENG|P|L14|PF|S15|Y|A17||||LNC|HC|MTHU000001|Chemistry|0|N||
C0036572|ENG|P|L15|PF|S16|Y|A18||||HPO|PT|HP:0001250|Seizure|0|N||
C0024796|ENG|P|L16|PF|S17|Y|A19||||ORPHANET|PT|558|Marfan syndrome|0|N||
C9999999|SPA|P|L17|PF|S18|Y|A20||||MSHSPA|MH|D1|Otro|3|N||
C0014068|ENG|P|L18|PF|S19|Y|A21||||MSH|HT|C|Diseases|0|N||
"""
# CUI1|AUI1|STYPE1|REL|CUI2|AUI2|STYPE2|RELA|RUI|SRUI|SAB|SL|RG|DIR|SUPPRESS|CVF|
MRREL = """\
C0023895|A9|SCUI|PAR|C0012634|A11|SCUI|inverse_isa|R1|1|SNOMEDCT_US|SNOMEDCT_US||N|N||
C0012634|A11|SCUI|CHD|C0023895|A8|SCUI|isa|R2|1|SNOMEDCT_US|SNOMEDCT_US||Y|N||
C0348990|A13|AUI|CHD|C0023895|A1|AUI||R3||ICD10CM|ICD10CM||N|N||
C0178283|A14|AUI|CHD|C0348990|A13|AUI||R4||ICD10CM|ICD10CM||N|N||
C0178283|A14|AUI|SIB|C0023895|A3|AUI||R5||ICD10CM|ICD10CM||N|N||
C0178283|A14|AUI|CHD|C0023895|A3|AUI||R6||ICD10CM|ICD10CM||N|O||
C0023895|A2|AUI|CHD|C0023895|A3|AUI||R7||ICD10CM|ICD10CM||N|N||
C0014068|A21|SDUI|CHD|C0023895|A7|SDUI||R8||MSH|MSH||N|N||
C0023895|A7|SDUI|CHD|C0014068|A21|SDUI||R9||MSH|MSH||N|N||
"""


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def rxnorm(folder: Path, conso: str = RXNCONSO, rel: str = RXNREL) -> CodeTable:
    return read_rxnorm("rxnorm", "2026-01", [write(folder / "RXNCONSO.RRF", conso), write(folder / "RXNREL.RRF", rel)])


def umls(folder: Path, system: str, rel: str | None = None) -> CodeTable:
    files = [write(folder / "MRCONSO.RRF", MRCONSO)]
    return read_mrconso(system, "2026AA", files if rel is None else [*files, write(folder / "MRREL.RRF", rel)])


# --- which files --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("names", "rxnorm", "mrconso"),
    [
        (["RXNCONSO.RRF"], True, False),
        (["rxnconso.rrf.gz", "RXNREL.RRF"], True, False),
        (["MRCONSO.RRF"], False, True),
        (["mrrel.rrf", "MrConso.rrf.gz"], False, True),
        (["RXNCONSO.txt", "codes.tsv"], False, False),
        ([], False, False),
    ],
)
def test_files_are_told_by_their_names(names: list[str], rxnorm: bool, mrconso: bool) -> None:
    files = [Path("folder") / name for name in names]
    assert (is_rxnorm(files), is_mrconso(files)) == (rxnorm, mrconso)


def test_other_file_is_told_the_names_that_are_expected(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"RXNSAT\.RRF: expected RXNCONSO\.RRF or RXNREL\.RRF, found another name"):
        read_rxnorm("rxnorm", "1", [tmp_path / "RXNSAT.RRF"])
    with pytest.raises(TableError, match=r"RXNREL\.RRF: expected RXNCONSO\.RRF among the files, found none"):
        read_rxnorm("rxnorm", "1", [tmp_path / "RXNREL.RRF"])
    with pytest.raises(TableError, match=r"MRHIER\.RRF: expected MRCONSO\.RRF or MRREL\.RRF, found another name"):
        read_mrconso("mesh", "1", [tmp_path / "MRHIER.RRF"])


# --- RxNorm -------------------------------------------------------------------------------------------------------
def test_name_of_a_drug_is_rxnorms_own_and_other_sources_give_synonyms(tmp_path: Path) -> None:
    aspirin = rxnorm(tmp_path).by_code["1191"]
    assert aspirin == Concept("rxnorm", "1191", "aspirin", ("acetylsalicylic acid", "ASA"))


def test_suppressed_names_and_drugs_that_rxnorm_does_not_name_are_left_out(tmp_path: Path) -> None:
    assert [concept.code for concept in rxnorm(tmp_path)] == ["1191", "1154070", "315431", "243670", "215568"]


def test_parents_lead_from_the_drug_over_component_and_form_to_the_ingredient(tmp_path: Path) -> None:
    assert {concept.code: concept.parents for concept in rxnorm(tmp_path)} == {
        "1191": (),
        "1154070": ("1191",),
        "315431": ("1191",),
        "243670": ("315431", "1154070"),
        "215568": ("1191",),
    }


def test_drugs_without_relations_have_no_parents(tmp_path: Path) -> None:
    table = read_rxnorm("rxnorm", "2026-01", [write(tmp_path / "RXNCONSO.RRF", RXNCONSO)])
    assert (table.system, table.release, len(table)) == ("rxnorm", "2026-01", 5)
    assert all(concept.parents == () for concept in table)


def test_names_that_differ_only_in_case_and_white_space_are_one(tmp_path: Path) -> None:
    atom = "7|ENG||||||1|1|7||RXNORM|{}|7|{}||N||\n"
    conso = atom.format("IN", "water") + atom.format("SY", "  WATER ") + atom.format("TMSY", "wat  er")
    assert rxnorm(tmp_path, conso, "").by_code["7"].names == ("water", "wat er")


def test_gzip_is_read_as_it_is_and_the_table_can_be_stored(tmp_path: Path) -> None:
    file = tmp_path / "RXNCONSO.RRF.gz"
    file.write_bytes(gzip.compress(RXNCONSO.encode()))
    table = read_rxnorm("rxnorm", "1", [file, write(tmp_path / "RXNREL.RRF", RXNREL)])
    write_table(tmp_path / "t", table, "key")
    assert tuple(read_table(tmp_path / "t")) == tuple(rxnorm(tmp_path))


@pytest.mark.parametrize(
    ("conso", "rel", "message"),
    [
        (RXNCONSO + "1191|ENG|aspirin|\n", "", r"RXNCONSO\.RRF:14: expected 18 columns, found 3"),
        (RXNCONSO.replace("||N||", "||N|", 1), "", r"RXNCONSO\.RRF:1: expected 18 columns, found 17"),
        (RXNCONSO, RXNREL + "1191||CUI|RO\n", r"RXNREL\.RRF:14: expected 16 columns, found 4"),
        ("", "", r"RXNCONSO\.RRF, .*RXNREL\.RRF: expected at least one code of rxnorm, found none"),
        (
            RXNCONSO,
            RXNREL + "215568||CUI|RN|1191||CUI|isa|14||RXNORM||||||\n",
            r"RXNCONSO\.RRF:1: expected parents without a cycle, found 1191 -> 215568 -> 1191",
        ),
        ("7|ENG||||||1|1|7||RXNORM|IN|7| ||N||\n", "", r":1: expected a code with a name, found '7' with ' '"),
    ],
)
def test_malformed_rxnorm_is_told_file_line_expected_and_found(
    tmp_path: Path, conso: str, rel: str, message: str
) -> None:
    with pytest.raises(TableError, match=message):
        rxnorm(tmp_path, conso, rel)


def test_bytes_that_are_not_utf8_are_told_where(tmp_path: Path) -> None:
    file = tmp_path / "RXNCONSO.RRF"
    file.write_bytes(RXNCONSO.encode() + b"7|ENG|\xe9\n")
    with pytest.raises(TableError, match=r"RXNCONSO\.RRF:14: expected UTF-8, found byte 0xe9 after 6 bytes"):
        read_rxnorm("rxnorm", "1", [file])


# --- the Metathesaurus --------------------------------------------------------------------------------------------
def test_cui_has_the_name_that_the_metathesaurus_prefers(tmp_path: Path) -> None:
    table = umls(tmp_path, "umls")
    assert table.by_code["C0023895"] == Concept(
        "umls",
        "C0023895",
        "Liver disease",
        (
            "Disease, Liver",
            "Hepatic disease",
            "Liver disease, unspecified",
            "Liver Diseases",
            "Disorder of liver (disorder)",
            "Disorder of liver",
        ),
    )
    assert "C9999999" not in table.by_code  # has no English name


@pytest.mark.parametrize(
    ("system", "names"),
    [
        ("mesh", {"D008107": ("Liver Diseases", "Disease, Liver", "Liver disease"), "C": ("Diseases",)}),
        (
            "snomedct",
            {
                "235856003": ("Disorder of liver", "Disorder of liver (disorder)", "Liver disease"),
                "64572001": ("Disease",),
            },
        ),
        ("loinc", {"2345-7": ("Glucose [Mass/volume] in Serum or Plasma", "Glucose:MCnc:Pt:Ser/Plas:Qn")}),
        ("hpo", {"HP:0001250": ("Seizure",)}),
        ("orphanet", {"ORPHA:558": ("Marfan syndrome",)}),
    ],
)
def test_source_gives_its_own_codes_with_the_best_name_first(
    tmp_path: Path, system: str, names: dict[str, tuple[str, ...]]
) -> None:
    assert {concept.code: concept.names for concept in umls(tmp_path, system)} == names


def test_parents_of_icd10cm_go_up_by_one_and_only_ranges_are_headings(tmp_path: Path) -> None:
    assert list(umls(tmp_path, "icd10cm", MRREL)) == [
        Concept("icd10cm", "K76.9", "Liver disease, unspecified", ("Hepatic disease",), ("K76",)),
        Concept("icd10cm", "K76", "Other diseases of liver", (), ("K70-K77",)),
        Concept("icd10cm", "K70-K77", "Diseases of liver (K70-K77)", assignable=False),
    ]


def test_parents_are_those_of_the_source_alone(tmp_path: Path) -> None:
    assert umls(tmp_path, "snomedct", MRREL).by_code["235856003"].parents == ("64572001",)
    assert umls(tmp_path, "snomedct").by_code["235856003"].parents == ()


def test_relation_that_closes_a_cycle_is_left_out(tmp_path: Path) -> None:
    parents = {concept.code: concept.parents for concept in umls(tmp_path, "mesh", MRREL)}
    assert parents == {"D008107": ("C",), "C": ()}


def test_heading_of_mesh_is_not_assignable(tmp_path: Path) -> None:
    assert {concept.code: concept.assignable for concept in umls(tmp_path, "mesh")} == {"D008107": True, "C": False}


def test_rxnorm_in_the_metathesaurus_has_the_parents_of_rxnorm(tmp_path: Path) -> None:
    conso = write(
        tmp_path / "MRCONSO.RRF",
        "C0004057|ENG|P|L1|PF|S1|Y|A1|102|1191||RXNORM|IN|1191|aspirin|0|N||\n"
        "C0974159|ENG|P|L2|PF|S2|Y|A2|107|315431||RXNORM|SCDC|315431|aspirin 81 MG|0|N||\n",
    )
    rel = write(
        tmp_path / "MRREL.RRF",
        "C0004057|A1|SCUI|RO|C0974159|A2|SCUI|has_ingredient|R1||RXNORM|RXNORM||Y|N||\n"
        "C0974159|A2|SCUI|RO|C0004057|A1|SCUI|ingredient_of|R2||RXNORM|RXNORM||Y|N||\n",
    )
    table = read_mrconso("rxnorm", "2026AA", [conso, rel])
    assert {concept.code: concept.parents for concept in table} == {"1191": (), "315431": ("1191",)}


def test_system_that_the_metathesaurus_lacks_is_told_the_others(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"ndc: expected a system that MRCONSO\.RRF holds, one of umls, icd10cm, "):
        umls(tmp_path, "ndc")
    with pytest.raises(TableError, match=r"MRCONSO\.RRF: expected at least one code of cvx, found none"):
        umls(tmp_path, "cvx")


def test_relations_are_refused_for_the_whole_metathesaurus(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"MRREL\.RRF: expected MRCONSO\.RRF alone for umls"):
        umls(tmp_path, "umls", MRREL)


def test_malformed_metathesaurus_is_told_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"MRREL\.RRF:2: expected 16 columns, found 17"):
        umls(tmp_path, "mesh", MRREL.replace("|isa|", "|isa||"))
    with pytest.raises(TableError, match=r"MRCONSO\.RRF:1: expected 18 columns, found 1"):
        read_mrconso("umls", "1", [write(tmp_path / "MRCONSO.RRF", "\n")])
