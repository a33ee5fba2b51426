"""How words of clinical text are written: literal tables, written by hand.

Sources: abbreviations are those that common lists of chart abbreviations agree on, with one meaning in most notes;
spelling pairs are British and American English. No entry comes from the ICD-10-CM Alphabetic Index, on which the
resolver is measured.
"""

ABBREVIATIONS: dict[str, str] = {
    "aaa": "abdominal aortic aneurysm",
    "acl": "anterior cruciate ligament",
    "adhd": "attention deficit hyperactivity disorder",
    "af": "atrial fibrillation",
    "afib": "atrial fibrillation",
    "aids": "acquired immunodeficiency syndrome",
    "aki": "acute kidney injury",
    "als": "amyotrophic lateral sclerosis",
    "aml": "acute myeloid leukemia",
    "ards": "acute respiratory distress syndrome",
    "avm": "arteriovenous malformation",
    "bph": "benign prostatic hyperplasia",
    "cabg": "coronary artery bypass graft",
    "cad": "coronary artery disease",
    "cancer": "malignant neoplasm",
    "cap": "community acquired pneumonia",
    "chf": "congestive heart failure",
    "ckd": "chronic kidney disease",
    "cll": "chronic lymphocytic leukemia",
    "cml": "chronic myeloid leukemia",
    "copd": "chronic obstructive pulmonary disease",
    "crf": "chronic renal failure",
    "csf": "cerebrospinal fluid",
    "ct": "computed tomography",
    "cva": "cerebrovascular accident",
    "cvd": "cardiovascular disease",
    "cxr": "chest x ray",
    "dka": "diabetic ketoacidosis",
    "dm": "diabetes mellitus",
    "dm1": "type 1 diabetes mellitus",
    "dm2": "type 2 diabetes mellitus",
    "dvt": "deep vein thrombosis",
    "ecg": "electrocardiogram",
    "echo": "echocardiogram",
    "ekg": "electrocardiogram",
    "emg": "electromyography",
    "esrd": "end stage renal disease",
    "etoh": "alcohol",
    "fx": "fracture",
    "gerd": "gastroesophageal reflux disease",
    "gi": "gastrointestinal",
    "gib": "gastrointestinal bleeding",
    "gist": "gastrointestinal stromal tumor",
    "hcc": "hepatocellular carcinoma",
    "hcv": "hepatitis c virus",
    "hfpef": "diastolic heart failure",
    "hfref": "systolic heart failure",
    "hld": "hyperlipidemia",
    "hpv": "human papillomavirus",
    "hsv": "herpes simplex virus",
    "htn": "hypertension",
    "ibd": "inflammatory bowel disease",
    "ibs": "irritable bowel syndrome",
    "ich": "intracerebral hemorrhage",
    "ihd": "ischemic heart disease",
    "itp": "immune thrombocytopenic purpura",
    "lad": "left anterior descending artery",
    "lbp": "low back pain",
    "lft": "liver function test",
    "lvef": "left ventricular ejection fraction",
    "lvh": "left ventricular hypertrophy",
    "mdd": "major depressive disorder",
    "mi": "myocardial infarction",
    "mri": "magnetic resonance imaging",
    "mrsa": "methicillin resistant staphylococcus aureus",
    "nash": "nonalcoholic steatohepatitis",
    "nhl": "nonhodgkin lymphoma",
    "nsclc": "nonsmall cell lung carcinoma",
    "nstemi": "nonst elevation myocardial infarction",
    "ocd": "obsessive compulsive disorder",
    "osa": "obstructive sleep apnea",
    "pad": "peripheral arterial disease",
    "pcos": "polycystic ovarian syndrome",
    "pda": "patent ductus arteriosus",
    "pe": "pulmonary embolism",
    "ptsd": "posttraumatic stress disorder",
    "pud": "peptic ulcer disease",
    "pvd": "peripheral vascular disease",
    "ra": "rheumatoid arthritis",
    "rsv": "respiratory syncytial virus",
    "sah": "subarachnoid hemorrhage",
    "sle": "systemic lupus erythematosus",
    "sob": "shortness breath",
    "stemi": "st elevation myocardial infarction",
    "svt": "supraventricular tachycardia",
    "t1dm": "type 1 diabetes mellitus",
    "t2dm": "type 2 diabetes mellitus",
    "tb": "tuberculosis",
    "tbi": "traumatic brain injury",
    "tia": "transient ischemic attack",
    "uri": "upper respiratory infection",
    "usg": "ultrasonography",
    "uti": "urinary tract infection",
    "vsd": "ventricular septal defect",
    "xray": "x ray",
}
"""A word of a query or a name, and the words it stands for."""

ORGANS: dict[str, str] = {
    "cardio": "heart",
    "cochleo": "cochlea",
    "hepato": "liver",
    "myelo": "marrow",
    "nephro": "kidney",
    "oto": "ear",
    "pneumo": "lung",
    "pulmo": "lung",
    "retino": "retina",
    "vestibulo": "vestibule",
}
"""Combining forms of organs, Greek and Latin, before ``TOXIC``."""

TOXIC = ("toxicity", "toxic")

COMPOUNDS: dict[str, str] = {f"{root}{end}": f"{organ} toxicity" for root, organ in ORGANS.items() for end in TOXIC}
"""Words that are two, so that what harms an organ is found beside its diseases: nephrotoxic is kidney toxicity."""

SPELLINGS: dict[str, str] = {
    "centre": "center",
    "fibre": "fiber",
    "grey": "gray",
    "litre": "liter",
    "mould": "mold",
    "programme": "program",
}
"""Whole words whose British spelling no rule of ``normalize`` covers."""

PLURALS: dict[str, str] = {
    "bacteria": "bacterium",
    "bronchi": "bronchus",
    "calculi": "calculus",
    "calves": "calf",
    "emboli": "embolus",
    "feet": "foot",
    "foci": "focus",
    "fungi": "fungus",
    "ganglia": "ganglion",
    "genera": "genus",
    "indices": "index",
    "larynges": "larynx",
    "lice": "louse",
    "matrices": "matrix",
    "meninges": "meninx",
    "metastases": "metastasis",
    "nuclei": "nucleus",
    "ova": "ovum",
    "phalanges": "phalanx",
    "septa": "septum",
    "teeth": "tooth",
    "testes": "testis",
    "thrombi": "thrombus",
    "vertebrae": "vertebra",
    "villi": "villus",
    "viscera": "viscus",
}
"""Latin, Greek and English plurals that no rule of ``normalize`` covers."""

UNCHANGED = frozenset("biceps caries diabetes facies herpes rabies scabies series species triceps".split())
"""Words that end like a plural and are none; short words and those in -ss, -us, -is, -as, -os are never cut."""

STOP_WORDS = frozenset(
    "a an and are as at be been being by for from has have in into is it its of on or per that the their this to "
    "was were which with due mellitus".split()
)
"""Words that no name is told apart by: diabetes is mellitus unless it is called otherwise. ``without``, ``no`` and
``not`` are none of them."""

JOINED_PREFIXES = frozenset(
    "anti auto bi co de extra hyper hypo inter intra micro mid multi neo non para peri poly post pre pseudo re semi "
    "sub supra trans tri ultra un uni angio arterio arthro broncho cardio cerebro cranio cysto encephalo fibro gastro "
    "hemo hepato laryngo leuko lympho maxillo meningo myelo myo naso nephro neuro oculo oro osteo oto pneumo psycho "
    "pyelo recto reno retino rhino salpingo spondylo thrombo thyro tracheo tubulo urethro utero vaso veno ventriculo "
    "vesico viscero".split()
)
"""Prefixes and combining forms that are one word with what follows their hyphen: ``post-traumatic``, ``posttraumatic``;
``thrombo-embolism``, ``thromboembolism``."""

NUMBERS: dict[str, str] = {
    "ii": "2",
    "iii": "3",
    "vi": "6",
    "vii": "7",
    "viii": "8",
    "ix": "9",
    "xi": "11",
    "xii": "12",
    "xiii": "13",
    "first": "1",
    "second": "2",
    "third": "3",
    "fourth": "4",
    "fifth": "5",
    "1st": "1",
    "2nd": "2",
    "3rd": "3",
    "4th": "4",
    "5th": "5",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
}
"""Roman numerals and number words that mean a number wherever they stand."""

LETTER_NUMBERS: dict[str, str] = {"i": "1", "iv": "4", "v": "5", "x": "10"}
"""Roman numerals that mean a number only after a word of ``NUMBERED``."""

LETTERED = frozenset("class coxsackievirus factor group hemophilia hepatitis influenza nephritis type vitamin".split())
"""Words after which "a" is a letter, however it is written."""

NUMBERED = frozenset("type stage grade class degree factor level phase group category".split())
"""Words that a number follows."""
