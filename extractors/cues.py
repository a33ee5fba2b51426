"""Words that tell the assertion status of a mention, after NegEx and ConText, as literal tables.

Sources: Chapman et al. 2001 (NegEx) and Harkema et al. 2009 (ConText) for the idea and most triggers; statuses are
those of i2b2 2010. Phrases are lower case, words parted by one space, as ``assertion.py`` cuts them.
"""

from typing import Literal, NamedTuple

Side = Literal["before", "after"]
Reach = Literal["list", "near", "touch"]


class Cue(NamedTuple):
    """Words that give mentions a status.

    Attributes:
        status: One of ``ASSERTIONS``.
        side: Where the cue stands, seen from the mention.
        reach: ``list`` up to a stop, ``near`` also up to a comma or "and", ``touch`` only the mention right beside it.
        phrases: The words, parted by " | ".
        on: What the mention must be: ``done`` to the patient ("scheduled for hernia repair" leaves the hernia alone),
            or a ``finding`` ("cultures were negative": the test was done). Empty for both.
    """

    status: str
    side: Side
    reach: Reach
    phrases: str
    on: str = ""


CUES: tuple[Cue, ...] = (
    Cue(
        "absent",
        "before",
        "list",
        "no | not | without | w/o | denies | denied | deny | denying | negative for | neg for | ve for | no "
        "evidence of | no sign of | no signs of | never | never had | none of | nor | neither | cannot see | ruled "
        "out for | rules out | ruled the patient out for | excluded | no longer | no known | was negative for | "
        "were negative for | is negative for | are negative for | be negative for | had ruled out | has ruled out | "
        "have ruled out | fails to reveal | failed to reveal | failed to show | failed to demonstrate | "
        "unremarkable for | didn't | doesn't | don't | isn't | wasn't | weren't | aren't | hasn't | haven't | "
        "hadn't | non | zero | denies any | denied any | does not have | did not have | no history of | negative "
        "history of | not have | with no | exclude | excludes | excluding | instead of | rather than",
    ),
    Cue(
        "absent",
        "before",
        "near",
        "free of | free from | absence of | lack of | lacks | lacked | lacking | absent | clear of | resolution "
        "of | cessation of",
    ),
    Cue("absent", "before", "list", "declined | declines | refused | refuses | deferred | held off on", on="done"),
    Cue(
        "absent",
        "after",
        "near",
        "is absent | was absent | absent | is denied | was denied | denied | not found | not seen | not identified "
        "| not noted | not present | not detected | not appreciated | not observed | not demonstrated | not evident "
        "| not visualized | not palpable | not felt | not reported | not revealed | is ruled out | was ruled out | "
        "has been ruled out | ruled out | been excluded | was excluded | were excluded | is excluded | : none | : "
        "no . | : no , | : nil | not recur | no longer | undetectable | be excluded | was not present | did not "
        "develop | did not recur | never developed | not considered",
    ),
    Cue(
        "absent",
        "after",
        "near",
        "is negative | was negative | negative | neg | ( - ) | : negative . | : negative ,",
        on="finding",
    ),
    Cue("absent", "after", "list", "are negative | were negative | were all negative | all negative", on="finding"),
    Cue(
        "absent",
        "after",
        "list",
        "are absent | were absent | were denied | are denied | not been found | were ruled out | were not seen | "
        "were not found | were not identified | were not noted | were not present | were excluded | had to be "
        "excluded | were not considered | were not observed | were not detected",
    ),
    Cue(
        "absent",
        "after",
        "near",
        "was not performed | not done | was declined | was refused | was deferred",
        on="done",
    ),
    Cue(
        "possible",
        "before",
        "near",
        "possible | possibly | probable | probably | presumed | presumptive | presumably | likely | suspected | "
        "suspect | suspecting | suspicious for | suspicion of | suspicion for | questionable | question of | may be "
        "| may have | might be | may represent | might represent | could be | could represent | could have | may "
        "reflect | could reflect | apparent | suggestive of | suggesting | suggests | suggest | suggested | "
        "consider | worrisome for | concerning for | concern for | concerns for | concern of | perhaps | "
        "possibility of | vs . | versus | cannot exclude | cannot rule out | can not rule out | could not rule out "
        "| unable to rule out | unable to exclude | not exclude | not rule out | equivocal | uncertain | seems to "
        "be | thought to be | felt to be | believed to be | indicative of | borderline | unlikely",
    ),
    Cue(
        "possible",
        "before",
        "list",
        "rule out | r/o | ro | rule out for | evaluate for | evaluation for | evaluated for | assess for | "
        "differential diagnosis | differential | differential includes | to exclude | be ruled out for | workup for "
        "| work-up for | screen for",
    ),
    Cue("possible", "before", "touch", "?"),
    Cue(
        "possible",
        "after",
        "near",
        "is possible | was possible | possible | not excluded | cannot be excluded | can not be excluded | could "
        "not be excluded | cannot be ruled out | can not be ruled out | could not be ruled out | not ruled out | "
        "not been ruled out | has not been ruled out | is suspected | was suspected | were suspected | suspected | "
        "is likely | was likely | is probable | is questionable | is unlikely | was considered | is considered | "
        "were considered | in the differential | be ruled out | should be ruled out | must be ruled out | remains a "
        "possibility | is a possibility",
    ),
    Cue("possible", "after", "touch", "?"),
    Cue(
        "hypothetical",
        "before",
        "list",
        "if | in case of | in the event of | should you | should he develop | should she develop | return for | "
        "call for | watch for | watching for | monitor for | monitoring for | risk of | risk for | risks of | at "
        "risk for | risks include | unless | risks including | risks and complications including | possible "
        "complications including | to prevent | prevention of | prevent | precautions for | any of the following | "
        "signs of infection including | as needed for | prn for | p . r . n | prophylaxis | prophylaxis for | "
        "prophylaxis against | potential for | whenever",
    ),
    Cue(
        "hypothetical",
        "before",
        "list",
        "will undergo | will need | will require | will have | will receive | will get | will start | will obtain | "
        "will order | scheduled for | schedule | plan for | plans for | plan is for | planned for | planning for | "
        "planned | plan to | to undergo | recommend | recommended | recommending | recommendation for | consider | "
        "considering | candidate for | would benefit from | consent for | await | awaiting | to be scheduled for | "
        "would recommend | should have",
        on="done",
    ),
    Cue(
        "hypothetical",
        "after",
        "near",
        "is planned | was planned | is scheduled | is recommended | was recommended | pending | is pending | to be "
        "scheduled | will be performed | will be scheduled | will be done | to be done | was offered",
        on="done",
    ),
    Cue(
        "conditional",
        "before",
        "list",
        "allergic to | allergy to | allergies to | intolerance to | intolerant to | intolerant of | allergies include",
    ),
    Cue(
        "conditional",
        "after",
        "near",
        "on exertion | with exertion | upon exertion | with activity | on movement | with movement | when walking | "
        "when lying | when climbing | when standing | when bending | when coughing | on ambulation | with "
        "ambulation | climbing stairs | with deep inspiration | on deep inspiration | with walking | on walking",
    ),
    Cue(
        "historical",
        "before",
        "list",
        "history of | h/o | hx of | hx | past history of | past medical history of | past medical history "
        "significant for | past medical history includes | past medical history is significant for | past medical "
        "history | medical history | medical history significant for | medical history of | past history | surgical "
        "history | surgical history of | status post | s/p | history significant for | history is significant for | "
        "history remarkable for | previously diagnosed with | history notable for | history includes | past "
        "surgical history | pmh | pmhx | psh | pmh of",
    ),
    Cue("historical", "before", "near", "previous | prior | previously | remote | old | former | childhood | past"),
    Cue(
        "historical",
        "after",
        "near",
        "in the past | in the remote past | years ago | year ago | as a child | in childhood | by history | in his "
        "youth | in her youth | decades ago",
    ),
)
"""What gives a status. Of cues that begin at the same word the longest counts; a phrase may be in two rows."""

PSEUDO = (
    "no increase | no increased | no change | no changes | no significant change | no interval change | no "
    "significant interval change | no new changes | not only | not just | gram negative | gram-negative | not "
    "necessarily | no doubt | without difficulty | not certain if | not certain whether | rh negative | false "
    "negative | no cause of | not drain | nothing by mouth | little if any | few if any | as if | no decrease | not "
    "improve | not improved | not relieve | not relieved | not resolve | not resolved | not respond | not responded "
    "| not tolerate | not tolerated | not control | not controlled | not compliant | not take | no relief | no "
    "benefit | no improvement | no response | not sure | not know | not known | no prior to | prior to | previous "
    "to | history of present illness | history and physical | history , physical | history of the present illness | "
    "year old | years old | months old | weeks old | year-old | no later than | no more than | no less than | not "
    "limited to | with or without | not feel | not clear | not yet | no further than | not well | past few | past "
    "several | past week | past month | past year | past day | past two | past three | not responding | oxygen free "
    "| disease free | pain free | without change | prior authorization | not able | not recall | not remember | no "
    "longer than | history is | not due to | not because | not have to | not change | not changed | not been able | "
    "no difference | without complication | without complications | not worsen | not stop"
).split(" | ")
"""Phrases that hold a cue and are none."""

_COMMON = (
    "but | however | although | though | except | except for | aside from | apart from | other than | besides | "
    "nevertheless | yet | ; | with the exception of | otherwise | whereas | while | which | still"
)
_VERBS = (
    "is | was | are | were | has | had | have | showed | shows | show | revealed | reveals | demonstrated | "
    "demonstrates | noted | developed | reports | reported | states | stated | complains | complained | admits | "
    "endorses | positive | remains | remained | underwent | presents | presented | presenting | + | became | "
    "received | started | appears | appeared | did | does"
)
STOPS: dict[str, frozenset[str]] = {
    "absent": frozenset(
        (
            f"{_COMMON} | {_VERBS} | secondary to | due to | because | because of | as a cause of | to explain | who"
            " | since | on | by | after | during | following | despite | until | when | before | , and the | and the"
            " | , the | and his | and her | and a"
        ).split(" | ")
    ),
    "possible": frozenset(f"{_COMMON} | {_VERBS} | secondary to | due to | who | given | because".split(" | ")),
    "hypothetical": frozenset("; | then | but | however".split(" | ")),
    "conditional": frozenset(_COMMON.split(" | ")),
    "historical": frozenset(
        (
            "but | however | ; | who presents | who presented | presents | presented | presenting | now | currently "
            "| admitted | complains | complained | comes | came | today | who was | who is | who came | here for | "
            "was brought | has been | is here | seen | reports | had | who complains | developed | referred | is "
            "being | evaluated"
        ).split(" | ")
    ),
    "associated_with_someone_else": frozenset(
        "; | he | she | patient | pt | patient's | however | but | his own | her own".split(" | ")
    ),
}
"""What ends the reach of a cue, by the status it gives."""

RELATIVES = (
    "mother | father | brother | brothers | sister | sisters | sibling | siblings | parent | parents | grandmother "
    "| grandfather | grandparents | grandparent | aunt | aunts | uncle | uncles | cousin | cousins | son | sons | "
    "daughter | daughters | wife | husband | spouse | niece | nephew | relative | relatives | family member | "
    "family members | mom | dad | mother's | father's | brother's | sister's | half-brother | half-sister | "
    "stepfather | roommate | first-degree relative | first-degree relatives"
).split(" | ")
"""People who are not the patient."""

FAMILY = "family history of | family history | family hx | fhx | fh | famhx | family history significant for".split(
    " |"
)
"""Phrases that bring a relative's disease."""

REPORTING = frozenset(
    "states stated reports reported says said notes noted noticed denies denied deny brought thinks believes feels "
    "called saw found describes described at present is and reporting who observed witnessed gave provides provided "
    "accompanied thought wants concerned refused declined consented agreed requested".split()
)
"""Words after a relative that speaks about the patient."""

COMPANY = frozenset("per by with to from according via and told asked lives".split())
"""Words before a relative that is there with the patient."""

STATUS_OF_SECTION: dict[str | None, str] = {
    "family_history": "associated_with_someone_else",
    "past_medical_history": "historical",
    "allergies": "conditional",
}
"""Status of mentions in a section unless a cue gives another."""

STATUS_OF_LABEL: dict[str, str] = {"History": "historical", "Family_history": "associated_with_someone_else"}
"""Status of mentions of a label unless a cue gives another."""

PRECEDENCE = (
    "associated_with_someone_else",
    "hypothetical",
    "absent",
    "possible",
    "conditional",
    "historical",
    "present",
)
"""Which status counts where several apply: "no family history of colon cancer" says nothing of the patient."""
