"""How chemists write what MeSH has the name of: symbols of elements, formulae, ions, and acids by their ions.

Source: IUPAC, Nomenclature of Inorganic Chemistry (2005), and common usage for charges and trivial names.
"""

from collections.abc import Iterator
from itertools import product
from math import lcm

ELEMENTS: dict[str, str] = {
    "H": "hydrogen", "He": "helium", "Li": "lithium", "Be": "beryllium", "B": "boron", "C": "carbon", "N": "nitrogen",
    "O": "oxygen", "F": "fluorine", "Ne": "neon", "Na": "sodium", "Mg": "magnesium", "Al": "aluminum", "Si": "silicon",
    "P": "phosphorus", "S": "sulfur", "Cl": "chlorine", "Ar": "argon", "K": "potassium", "Ca": "calcium",
    "Ti": "titanium", "V": "vanadium", "Cr": "chromium", "Mn": "manganese", "Fe": "iron", "Co": "cobalt",
    "Ni": "nickel", "Cu": "copper", "Zn": "zinc", "Ga": "gallium", "Ge": "germanium", "As": "arsenic",
    "Se": "selenium", "Br": "bromine", "Kr": "krypton", "Rb": "rubidium", "Sr": "strontium", "Y": "yttrium",
    "Zr": "zirconium", "Mo": "molybdenum", "Tc": "technetium", "Ru": "ruthenium", "Rh": "rhodium", "Pd": "palladium",
    "Ag": "silver", "Cd": "cadmium", "In": "indium", "Sn": "tin", "Sb": "antimony", "Te": "tellurium", "I": "iodine",
    "Xe": "xenon", "Cs": "cesium", "Ba": "barium", "La": "lanthanum", "Ce": "cerium", "Gd": "gadolinium",
    "W": "tungsten", "Pt": "platinum", "Au": "gold", "Hg": "mercury", "Tl": "thallium", "Pb": "lead", "Bi": "bismuth",
    "Ra": "radium", "Th": "thorium", "U": "uranium", "Pu": "plutonium",
}  # fmt: skip
"""Symbol and name."""

CATIONS: dict[str, tuple[str, int]] = {
    "H": ("hydrogen", 1), "Li": ("lithium", 1), "Na": ("sodium", 1), "K": ("potassium", 1), "Rb": ("rubidium", 1),
    "Cs": ("cesium", 1), "Ag": ("silver", 1), "NH4": ("ammonium", 1), "Mg": ("magnesium", 2), "Ca": ("calcium", 2),
    "Sr": ("strontium", 2), "Ba": ("barium", 2), "Mn": ("manganese", 2), "Co": ("cobalt", 2), "Ni": ("nickel", 2),
    "Cu": ("copper", 2), "Zn": ("zinc", 2), "Cd": ("cadmium", 2), "Hg": ("mercury", 2), "Pb": ("lead", 2),
    "Sn": ("tin", 2), "Fe": ("iron", 2), "Al": ("aluminum", 3), "Cr": ("chromium", 3), "Gd": ("gadolinium", 3),
}  # fmt: skip
"""Symbol, name and charge."""

ANIONS: dict[str, tuple[str, int]] = {
    "F": ("fluoride", 1), "Cl": ("chloride", 1), "Br": ("bromide", 1), "I": ("iodide", 1), "OH": ("hydroxide", 1),
    "NO3": ("nitrate", 1), "NO2": ("nitrite", 1), "HCO3": ("bicarbonate", 1), "CN": ("cyanide", 1),
    "N3": ("azide", 1), "ClO4": ("perchlorate", 1), "Ac": ("acetate", 1), "OAc": ("acetate", 1), "O": ("oxide", 2),
    "S": ("sulfide", 2), "SO4": ("sulfate", 2), "CO3": ("carbonate", 2), "PO4": ("phosphate", 3),
}  # fmt: skip
"""Symbol, name and charge."""

MOLECULES: dict[str, str] = {
    "CCl4": "carbon tetrachloride", "CHCl3": "chloroform", "CH4": "methane", "CO": "carbon monoxide",
    "CO2": "carbon dioxide", "CS2": "carbon disulfide", "H2": "hydrogen", "H2O": "water", "H2O2": "hydrogen peroxide",
    "H2S": "hydrogen sulfide", "HCl": "hydrochloric acid", "HNO3": "nitric acid", "H2SO4": "sulfuric acid",
    "H3PO4": "phosphoric acid", "N2": "nitrogen", "N2O": "nitrous oxide", "NH3": "ammonia", "NO": "nitric oxide",
    "NO2": "nitrogen dioxide", "O2": "oxygen", "O3": "ozone", "SO2": "sulfur dioxide", "Cl2": "chlorine",
}  # fmt: skip
"""Formula and name."""

_IONS = (("ic acid", "ate"), ("ous acid", "ite"))
"""How the name of an acid ends, and that of its ion: glutamic acid, glutamate."""


def formulas() -> Iterator[tuple[str, str]]:
    """Yield (name, how it is written).

    >>> [formula for name, formula in formulas() if name == "calcium"]
    ['Ca', 'Ca2+', 'Ca++']
    >>> [formula for name, formula in formulas() if name == "calcium chloride"]
    ['CaCl2']
    """
    for symbol, name in ELEMENTS.items():
        yield name, symbol
        charge = CATIONS[symbol][1] if symbol in CATIONS else 0
        yield from ((name, ion) for ion in {1: (f"{symbol}+",), 2: (f"{symbol}2+", f"{symbol}++")}.get(charge, ()))
    for (one, (metal, plus)), (other, (rest, minus)) in product(CATIONS.items(), ANIONS.items()):
        both = lcm(plus, minus)
        yield f"{metal} {rest}", _times(one, both // plus) + _times(other, both // minus)
    yield from ((name, formula) for formula, name in MOLECULES.items())


def ion(acid: str) -> str | None:
    """Return what the ion of an acid is called, None if that is no name of an acid.

    >>> ion("Glutamic Acid"), ion("boric acid"), ion("acidosis")
    ('Glutamate', 'borate', None)
    """
    for ending, other in _IONS:
        if acid.lower().endswith(ending):
            return acid[: -len(ending)] + other
    return None


def _times(symbol: str, count: int) -> str:
    if count == 1:
        return symbol
    is_group = sum(letter.isupper() for letter in symbol) > 1
    return f"({symbol}){count}" if is_group else f"{symbol}{count}"
