"""Which words of clinical names mean nearly the same, the opposite, or little: literal tables, written by hand.

Source: general clinical usage (organs and their Latin or Greek adjectives, everyday words for clinical ones). No entry
comes from the ICD-10-CM Alphabetic Index, on which the resolver is measured.
"""

NEUTRAL = frozenset("unspecified other specified elsewhere classified not".split())
"""Words by which a table says how specific a name is; they are no part of what is named."""

GENERIC_HEADS = frozenset(
    "lesion disease disorder abnormality condition problem disturbance dysfunction affection complaint "
    "damage toxicity".split()
)
"""Head nouns that say hardly more than "something is wrong": a lesion of the liver is a disease of the liver."""

RELATED: tuple[tuple[str, ...], ...] = (
    # an organ and its Latin or Greek adjectives
    ("abdomen", "abdominal"),
    ("adrenal", "suprarenal"),
    ("anus", "anal"),
    ("aorta", "aortic"),
    ("artery", "arterial"),
    ("back", "dorsal"),
    ("belly", "abdomen", "abdominal"),
    ("bladder", "vesical"),
    ("blood", "hemic", "hematologic", "hematological"),
    ("bone", "osseous", "skeletal"),
    ("bowel", "intestine", "intestinal", "enteric"),
    ("brain", "cerebral", "encephalic", "cranial"),
    ("breast", "mammary"),
    ("bronchus", "bronchial"),
    ("cartilage", "chondral"),
    ("cecum", "cecal"),
    ("cheek", "buccal"),
    ("chest", "thorax", "thoracic", "pectoral"),
    ("colon", "colonic"),
    ("cornea", "corneal"),
    ("ear", "aural", "auricular", "otic"),
    ("esophagus", "esophageal"),
    ("eye", "ocular", "ophthalmic", "eyeball"),
    ("eyelid", "palpebral", "lid"),
    ("face", "facial"),
    ("finger", "digital"),
    ("foot", "pedal"),
    ("gallbladder", "cholecystic", "biliary", "bile"),
    ("gum", "gingival", "gingiva"),
    ("head", "cephalic", "cranial"),
    ("heart", "cardiac", "myocardial"),
    ("hip", "coxal"),
    ("ileum", "ileal"),
    ("jaw", "mandible", "mandibular"),
    ("joint", "articular", "arthropathic"),
    ("kidney", "renal", "nephric"),
    ("lacrimal", "tear"),
    ("larynx", "laryngeal"),
    ("lip", "labial"),
    ("liver", "hepatic"),
    ("lung", "pulmonary", "pulmonic"),
    ("lymph", "lymphatic"),
    ("membrane", "membranous"),
    ("mind", "mental", "psychic"),
    ("mouth", "oral"),
    ("muscle", "muscular"),
    ("navel", "umbilicus", "umbilical"),
    ("neck", "cervical"),
    ("nerve", "neural"),
    ("newborn", "neonatal", "neonate", "perinatal"),
    ("nose", "nasal"),
    ("ovary", "ovarian"),
    ("pancreas", "pancreatic"),
    ("pelvis", "pelvic"),
    ("penis", "penile"),
    ("pharynx", "pharyngeal", "throat"),
    ("pituitary", "hypophyseal"),
    ("pleura", "pleural"),
    ("pregnancy", "gestational", "gravid", "maternal", "obstetric"),
    ("prostate", "prostatic"),
    ("rectum", "rectal"),
    ("retina", "retinal"),
    ("rib", "costal"),
    ("scalp", "cranial"),
    ("skin", "cutaneous", "dermal", "integument"),
    ("skull", "cranial"),
    ("spine", "spinal", "vertebral", "vertebra"),
    ("spleen", "splenic"),
    ("stomach", "gastric"),
    ("tendon", "tendinous"),
    ("testis", "testicular", "testicle"),
    ("tongue", "lingual"),
    ("tonsil", "tonsillar"),
    ("tooth", "dental"),
    ("trachea", "tracheal"),
    ("ureter", "ureteral", "ureteric"),
    ("urethra", "urethral"),
    ("urine", "urinary"),
    ("uterus", "uterine", "womb"),
    ("vagina", "vaginal"),
    ("vein", "venous"),
    ("vessel", "vascular"),
    ("wrist", "carpal"),
    # senses and functions
    ("cognition", "cognitive"),
    ("hearing", "auditory"),
    ("memory", "mnestic", "amnestic"),
    ("menstruation", "menstrual", "menses"),
    ("movement", "motor"),
    ("sight", "vision", "visual"),
    ("smell", "olfactory"),
    ("taste", "gustatory"),
    ("walking", "gait"),
    # tumors by what they are made of
    ("adenocarcinoma", "carcinoma", "malignant", "neoplasm"),
    ("adenoma", "neoplasm"),
    ("lymphoma", "neoplasm"),
    ("sarcoma", "malignant", "neoplasm"),
    # near-synonyms of everyday and clinical words
    ("accident", "stroke"),
    ("alcohol", "ethanol"),
    ("belching", "eructation"),
    ("bleeding", "hemorrhage", "hemorrhagic", "bleed"),
    ("calculus", "stone", "lithiasis"),
    ("child", "childhood", "pediatric", "infantile", "juvenile"),
    ("cyst", "cystic"),
    ("deficiency", "insufficiency"),
    ("dilatation", "dilation", "dilated", "ectasia", "distension"),
    ("drowsiness", "sleepiness", "somnolence"),
    ("drug", "medication", "medicinal", "medicament"),
    ("embolus", "embolism", "embolic"),
    ("failure", "insufficiency", "impairment"),
    ("fever", "pyrexia", "febrile"),
    ("gangrene", "gangrenous"),
    ("hardening", "sclerosis", "sclerotic"),
    ("hereditary", "familial", "inherited", "inborn", "congenital"),
    ("high", "elevated", "raised", "increased"),
    ("hyperactivity", "overactivity", "overactive"),
    ("infection", "infected", "infectious", "infective"),
    ("inflammation", "inflammatory"),
    ("injury", "trauma", "traumatic"),
    ("itching", "pruritus"),
    ("knot", "nodule", "node", "lump", "mass"),
    ("long", "prolonged", "prolongation"),
    ("low", "decreased", "reduced", "depressed"),
    ("malformation", "anomaly", "deformity", "defect"),
    ("monilial", "candidal", "candidiasis"),
    ("narrowing", "stenosis", "stricture"),
    ("obstruction", "occlusion", "blockage", "obstructive"),
    ("open", "compound"),
    ("pain", "ache", "painful"),
    ("perforation", "rupture", "ruptured", "tear"),
    ("poisoning", "toxicity", "intoxication", "toxic"),
    ("postoperative", "postprocedural", "postsurgical"),
    ("rash", "eruption", "exanthem"),
    ("scan", "imaging"),
    ("short", "shortness"),
    ("spasm", "vasospasm"),
    ("swelling", "edema", "edematous", "swollen"),
    ("syndrome", "disease", "disorder"),
    ("syphilis", "syphilitic", "luetic"),
    ("tomography", "ct"),
    ("tumor", "neoplasm", "mass", "growth"),
    ("ulcer", "ulceration", "ulcerative"),
    ("ultrasonography", "ultrasound", "sonography", "sonogram"),
    ("vertigo", "dizziness", "dizzy"),
    ("wasting", "atrophy", "atrophic"),
    ("worm", "helminth", "helminthiasis"),
)
"""Words that may stand for each other at a discount."""

ENDINGS: tuple[tuple[str, str], ...] = (
    ("tic", "sis"),  # thrombotic, thrombosis
    ("tic", "tes"),  # diabetic
    ("tic", "tis"),  # arthritic
    ("tic", "sia"),  # ectatic
    ("tic", "sy"),  # epileptic
    ("tic", "m"),  # autistic
    ("tic", ""),  # asthmatic
    ("stic", "sia"),  # dysplastic
    ("stic", "sm"),  # spastic
    ("ic", "ia"),  # ischemic
    ("ic", "y"),  # atrophic
    ("ic", "us"),  # embolic
    ("ic", "ism"),  # embolic, alcoholic
    ("ic", "e"),  # hemorrhagic
    ("ic", "icity"),  # nephrotoxic
    ("ic", ""),  # anaphylactic and others with the stem itself a word
    ("ive", "ion"),  # hypertensive
    ("iveness", "ion"),
    ("ed", "ion"),  # infected
    ("ed", "ation"),  # dilated
    ("ed", "e"),  # fractured
    ("ed", "y"),  # injured
    ("ed", "ment"),  # impaired
    ("ed", ""),
    ("ian", "ism"),  # parkinsonian
    ("ian", ""),
    ("ism", ""),  # hypothyroidism
    ("ient", "iency"),  # deficient
    ("ient", "ience"),
    ("ant", "ance"),  # resistant
    ("ant", "ancy"),  # malignant
    ("ent", "ence"),
    ("ent", "ency"),
    ("al", "e"),  # intestinal
    ("al", ""),
    ("l", ""),  # pleural
    ("ar", "e"),  # nodular
    ("ary", "a"),  # papillary
    ("ity", ""),  # toxicity
    ("ity", "e"),  # obesity
    ("ous", ""),  # cancerous
    ("ness", ""),  # weakness
    ("ing", ""),  # bleeding
    ("ing", "e"),
    ("tous", ""),  # edematous
)
"""How an adjective, a participle or a state ends where the noun it is made of, or its other form, ends otherwise.
Greek, Latin and English word formation; both words must stand in the table that is searched."""

OPPOSITES: tuple[tuple[str, ...], ...] = (
    ("left", "right", "bilateral"),
    ("upper", "lower"),
    ("anterior", "posterior"),
    ("acute", "chronic"),
    ("congenital", "acquired"),
    ("primary", "secondary"),
    ("benign", "malignant"),
    ("open", "closed"),
    ("male", "female"),
    ("internal", "external"),
    ("medial", "lateral"),
    ("mild", "moderate", "severe", "profound"),
    ("systolic", "diastolic"),
    ("proximal", "distal"),
    ("superficial", "deep"),
    ("maternal", "fetal"),
    ("1", "2", "3", "4", "5"),
)
"""Words of which a name may not hold one where the query says another."""

SETTINGS = frozenset(
    "congenital newborn neonatal fetal pregnancy childbirth puerperium maternal postprocedural intraoperative sequela "
    "subsequent history family screening observation poisoning underdosing adverse exposure encounter complication "
    "secondary juvenile malignant external contact counseling carrier drug alcohol tuberculous syphilitic traumatic "
    "without".split()
)
"""Words that change what a name is about, so that a name may hardly add them to a query that does not say them."""
