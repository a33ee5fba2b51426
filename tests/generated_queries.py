"""SPARQL queries made at random from a grammar: with a call at each place that has one, hidden and mutilated."""

from random import Random

_PLACES = [
    "{0}",
    "?s ?p ?o . {0}",
    "?s ?p ?o {0} ?s ?q ?z",
    "{{ {0} }}",
    "OPTIONAL {{ {0} }}",
    "{{ {0} }} UNION {{ ?s ?p ?o }}",
    "{{ ?s ?p ?o }} UNION {{ {0} }}",
    "?s ?p ?o MINUS {{ {0} }}",
    "FILTER EXISTS {{ {0} }}",
    "FILTER NOT EXISTS {{ {0} }}",
    "BIND(EXISTS {{ {0} }} AS ?{1})",
    "FILTER(1 = 1 && !EXISTS {{ {0} }})",
    "FILTER(IF(EXISTS {{ {0} }}, true, 1 IN (1, 2)))",
    "{{ SELECT * {{ {0} }} }}",
    "{{ SELECT (COUNT(*) AS ?{1}) {{ {0} }} GROUP BY ?s }}",
    "{{ SELECT (EXISTS {{ {0} }} AS ?{1}) {{ }} }}",
    "{{ SELECT ?s {{ ?s ?p ?o }} ORDER BY (EXISTS {{ {0} }}) }}",
    "{{ SELECT ?s {{ ?s ?p ?o }} GROUP BY ?s HAVING (EXISTS {{ {0} }}) }}",
    "GRAPH ?g {{ ?s ?p ?o }} {0}",
    "GRAPH ?g {{ {0} }}",
    "?s ?p ?o LATERAL {{ {0} }}",
    "?s <a:p>/(<a:q>|^<a:r>)* ?o . {0}",
    "?s !(<a:p>|^<a:q>)? ?o . {0}",
    "VALUES (?{1}) {{ (1) (UNDEF) }} {0}",
    "OPTIONAL {{ ?s ?p [ <a:p> (1 2 [ ]) ] }} {0}",
    "OPTIONAL {{ ?s ?p 1 }}{0}",
    "OPTIONAL {{ ?s ?p <<( ?a ?b ?c )>> }} {0}",
]
"""Where a group of patterns may stand; {1} is a new variable."""

BESIDE = [
    "",
    "",
    "",
    "OPTIONAL {{ <a:)'{0}> ?p ?o }}",
    "OPTIONAL {{ <a:'#{0}> ?p ?o }} FILTER(''='')",
    "OPTIONAL {{ ?x ?p 'a\"{0} <a:b> ', '<' }}",
    'OPTIONAL {{ ?x ?p """a"\'{0}""", "\\"" }}',
    "OPTIONAL {{ ?x ?p '''{0}'\"''' }}",
    "# {0} ' \" < \n",
    "# '''\n",
    "FILTER(1<2)",
    "BIND(1 AS ?{0}y) FILTER(?{0}y<2)",
    "BIND(1 AS ?{0}z) FILTER(?{0}z<2&&2>1)",
    "OPTIONAL {{ ?x {0}:x ?y }}",
    "OPTIONAL {{ ?x x:{0} ?y ; }}",
    "OPTIONAL {{ ?x x:c\\' ?o ; x:c\\# ?y }}",
    "OPTIONAL {{ ?x ?p 'x'@{0} }}",
    "OPTIONAL {{ ?x ?p '\\u0027{0}' }}",
    "OPTIONAL {{ ?x ?p <a:\\u0041{0}> }}",
    "OPTIONAL {{ ?{0} ?p _:{0} }}",
    "OPTIONAL {{ ?x ?p 1.5, true }}",
]
"""What may stand beside a call; {0} is the word."""

_FORMS = [
    "ASK {{ {0} }}",
    "ASK{{{0}}}",
    "SELECT * {{ {0} }}",
    "SELECT DISTINCT * WHERE {{ {0} }} LIMIT 3",
    "SELECT (COUNT(*) AS ?n) WHERE {{ {0} }}",
    "CONSTRUCT {{ ?s <a:p> 'x' }} WHERE {{ {0} }}",
    "DESCRIBE ?s {{ {0} }}",
    "SELECT ?s {{ ?s ?p ?o }} ORDER BY (EXISTS {{ {0} }})",
]
_GAPS = [" ", " ", "", "\n", "\t", "\r\n", "# ' \n", "#>\n", "#\r", " # {\n"]
_INSERTED = [
    *(
        "'",
        '"',
        "'''",
        '"""',
        "<",
        ">",
        "#",
        "\n",
        "(",
        ")",
        "{",
        "}",
        ".",
        ";",
        ":",
        "?",
        "\\",
        "@",
        "<a:",
        "'service>",
    ),
    *(
        "service",
        "SERVICE",
        "<a:)'service>",
        "# ",
        "\\u0027",
        "\\u0053",
        "\\\\u000A",
        "\\\\\\U00000053",
        "\\",
        "1",
        "true",
        "a",
        "FILTER(''='')",
        "''",
    ),
]


def query(random: Random, address: str, word: str = "service") -> str:
    """A query that calls an address by the word; with any other word it calls nobody, or is none."""
    spelled = "".join(random.choice((char.lower(), char.upper())) for char in word)
    pattern = _call(random, address, spelled)
    for number in range(random.choice((0, 1, 1, 2, 3))):
        place = random.choice(_PLACES).format(pattern, f"v{number}")
        pattern = " ".join(random.sample((beside(random, word), place, beside(random, word)), 3))
    declared = f"PREFIX x: <a:> PREFIX {word}: <a:> PREFIX at: <{address}> PREFIX : <{address}> "
    return declared + random.choice(_FORMS).format(pattern)


def beside(random: Random, word: str) -> str:
    """Something harmless that may look like more."""
    return random.choice(BESIDE).format(random.choice((word, word.upper(), "x")))


def _call(random: Random, address: str, word: str) -> str:
    """A call of an address."""
    gaps = [random.choice(_GAPS) for _ in range(4)]
    silent = random.choice(("", "", "SILENT", "silent"))
    named, before = random.choice(
        ((f"<{address}>", ""), (f"<{address}>", ""), ("at:", ""), (":", ""), ("?at", f"BIND(<{address}> AS ?at) "))
    )
    return f"{before}{word}{gaps[0]}{silent}{gaps[1]}{named}{gaps[2]}{{{gaps[3]}?s ?p ?o }}"


def mutilated(random: Random, statement: str) -> str:
    """A query with something put into it, or taken from it, at some places."""
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(statement))
        gone = random.choice((0, 0, 0, 1, 2))
        statement = statement[:at] + random.choice(_INSERTED) * random.choice((0, 1, 1)) + statement[at + gone :]
    return statement


_ESCAPES = [r"\u{:04x}", r"\u{:04x}", r"\\u{:04X}", r"\\\u{:04x}", r"\U{:08x}", r"\\U{:08X}", r"\uu{:04x}"]
"""Spellings of a character that some readers take for it, and others for what stands there."""


def escaped(random: Random, statement: str) -> str:
    r"""A query with some characters as ``\u0053`` or alike; ends of lines may be written so as well."""
    spelled = [
        random.choice(_ESCAPES).format(ord(char)) if random.random() < 0.05 else char
        for char in statement.replace("\n", random.choice(("\n", r"# \\u000A \n", "\n# \\u000A ")))
    ]
    return "".join(spelled)
