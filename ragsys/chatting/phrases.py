"""The turns of phrase by which people go on with a question, correct it, or point at documents. English."""

from __future__ import annotations

import re


def pattern(text: str) -> re.Pattern[str]:
    """A pattern, of any case, that is written over several lines: their breaks and indents are no part of it."""
    return re.compile(re.sub(r"\n\s*", "", text), re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+", text))


# -- what stands before a question -------------------------------------------------------------------------------------

LED = pattern(
    r"""^(?:and|but|or|so|ok(?:ay)?|well|then|also|yes|yeah|right|thanks|thank you|great|hmm+|please|now)
    \b[\s,.:;!-]*"""
)
NO = pattern(
    r"""^(?:(?:no+|nope|nah)
    (?:\s*[,.;:!-]\s*|\s*$|\s+(?=(?:i|it|not|the other|that|use|look|in|for|sorry|wrong|what)\b))
    |wrong\s+(?!document|report|file|paper)\w+\s*[,.;:!-]\s*
    |(?:sorry|actually|rather|correction)\b\s*[,.;:!-]?\s*)"""
)
ABOUT = pattern(
    r"""^(?:(?:what|how) about|what of
    |(?:the same|likewise|ditto|similarly)(?: (?:goes|holds|applies))?(?= (?:for|to|in))
    |(?:the )?same(?: question| thing)?,?(?: again)?(?= (?:for|in|with|but|of|about))
    |(?:i|we) (?:meant|mean|want(?:ed)?|said|(?:am|was|were) asking (?:about|for))|i'm asking (?:about|for)
    |(?:could|can|would) you (?:please )?(?:repeat|do|tell me|say) (?:that|this|it|the same)
    |repeat (?:that|it)|make (?:that|it))
    \b\s*,?\s*"""
)
NOT = pattern(
    r"""(?:^not\s+.+?\s*(?:,|\bbut\b)\s*
    |[,;]?\s*(?:and |but )?not\s+(?:the\s+)?[\w' -]+$
    |\s+instead of .+$)"""
)
TAIL = pattern(r"""(?:(?:\s*,\s*|\s+)(?:please|instead|then|though|now|maybe|rather|thanks|too|as well|also))+\s*$""")
ONE = pattern(r"""^(?:(?:for|of)\s+)?(?:the\s+)?ones?\s+(?=(?:in|of|for|from|at|on|with)\b)""")

# -- what is said in a few fixed words ---------------------------------------------------------------------------------

AGAIN = pattern(
    r"""^(?:(?:are you|you) (?:really )?sure(?: about (?:that|this|it))?|really|again|repeat|come again
    |say (?:that|it) again|(?:is )?(?:that|it) (?:is )?(?:right|correct|true)|check (?:that|it|again)
    |(?:is|was|are|were|does|did|do|has|have|had) (?:it|that|this|they)(?: really)?
    |(?:right|correct|true)|is(?:n't| it not) (?:it|that so))$"""
)
#: "so 248?", "is it more than 200?": a figure held against the answer; the question is asked again.
HELD = pattern(
    r"""^(?:(?:so|was|is|were|are|it|that|this|they|really|about|around|more|less|fewer|over|under|above|below|than|at
    |least|most|exactly|only|just|not)\s+)*(?!(?:19|20)\d\d\b)[$€£]?\d[\d.,]*\s*(?:%|[a-z]+)?
    (?:,?\s*(?:right|correct|yes|no|really|is (?:that|it) (?:right|correct|true)|isn't it|then))?$"""
)
REFUSED = pattern(
    r"""^(?:(?:that|this|it)(?:'s| is| was| can't be| cannot be)?(?: not)?\s
    (?:wrong|right|correct|true|it|what i (?:meant|asked|want(?:ed)?)(?: for)?)
    |wrong|not (?:right|true|correct)|incorrect|no+|nope)$"""
)
WHY = pattern(
    r"""^(?:why(?: so| not| that| is (?:that|this|it)(?: so| the case)?| was (?:that|it|this)(?: so| the case)?| though
    | (?:did|does|do) (?:that|this|it|they) (?:happen|occur)|(?: that| this| the)? (?:increase|decrease|rise|fall|drop
    |change|growth|decline|jump|difference))?|how come|how so|what for|for what reason
    |what makes (?:that|it|you say (?:that|so))
    |(?:what(?:'s| is| was| are| were) )?(?:the )?(?:reason|cause|explanation)s?(?: (?:for|of|behind) (?:that|this|it))?
    |what (?:caused|causes|explains|explained|led to|drove|is behind|was behind)
    (?: (?:that|this|it)
    | (?:that|this|the) (?:increase|decrease|rise|fall|drop|change|growth|decline|jump|difference)))$"""
)
MORE = pattern(
    r"""^(?:(?:tell|give|show) me more(?: (?:about|on) (?:that|it|this))?|(?:some )?more(?: details?| please)?
    |go on|continue|(?:please )?(?:explain|elaborate|detail)(?: (?:on )?(?:that|it|this))?
    |details?|(?:what|anything) else|in more detail)$"""
)
SHOW = pattern(
    r"""^(?:(?:please )?(?:can|could) (?:you|i) )?(?:show|give|see|open|where is)(?: me)? (?:the|that|this|its|a)\s
    (?P<what>table|chart|figure|graph|diagram|picture|image|page|passage|text|source|quote|paragraph|section|original)
    (?: for (?:that|it|this))?$"""
)
WHERE = pattern(
    r"""^(?:(?:on|in) (?:which|what) (?:page|document|report|file|section|table)(?: (?:is|was|does|do) .*)?
    |which (?:page|document|table)|where does (?:it|the \w+) say (?:that|so|this)
    |where (?:is|did you find|does) (?:that|it|this)(?: .{0,12})?
    |says who|who says (?:that|so)|(?:what is |what's |what are )?(?:the |your )?(?:sources?|evidence)
    |how (?:do|can|would) you (?:know|tell)(?: (?:that|this|it))?|prove (?:it|that)
    |where (?:did|do) (?:you|that|this|it) (?:get|come|find|take|see)(?: (?:that|this|it))?(?: from)?)$"""
)
SUM = pattern(
    r"""^(?:please )?(?:(?:summari[sz]e|shorten|translate)(?: (?:that|it|this))?|shorter|(?:more )?briefly
    |in (?:one|a) sentence|in short)$"""
)
BARE = pattern(
    r"""^(?:(?:by|for|since|until|till|from|with|to|in|at|on|of)\s+)?(?:who|whom|when|where|how|which|what)
    (?: (?:many|much|long|often|far|old|large|big|high|year|country|one|ones|place|city|price|unit|currency
    |date|month))*
    (?: exactly)?$"""
)
_ONCE = r"(?:in |for )?(?:the |a |one )?"
_COUNTED = r"(?P<count>a couple of|two|three|four|five|\d{1,2})"
COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "a couple of": 2}
BEFORE = pattern(
    rf"""(?:{_ONCE}(?:year (?:before|earlier|ago)(?: that)?|(?:previous|prior|preceding|last) year)
    |(?:the )?{_COUNTED} years (?:before|earlier|ago|prior)(?: that)?|before (?:that|then|this))$"""
)
AFTER = pattern(
    rf"""(?:{_ONCE}(?:year (?:after|later)(?: that)?|(?:next|following|subsequent) year)
    |(?:the )?{_COUNTED} years (?:after|later|on)(?: that)?|after (?:that|then|this))$"""
)
#: "since then", "at that time", "in the same year": the period that was spoken of.
THEN = pattern(
    r"""\b(?:(?P<prep>since|until|till|by|before|after|from|in|for|during|at|of)\s+)
    (?:then|(?:that|this|the\s+same|those|these)\s+(?:year|quarter|month|period|time)s?)\b
    |\bback\s+then\b"""
)
#: "is that also true for the D120?", "does the same apply to the D120?": the same question of something else.
TRANSFER = pattern(
    r"""^(?:is|was|are|were|does|did|do|would|will|can|could)\s+(?:that|this|it|these|those|they|the\s+same(?:\s+thing)?)\s+
    (?:(?:also|still|equally|likewise|really|even|too)\s+)*(?:be\s+)?
    (?:true|so|valid|right|correct|the\s+case|the\s+same|similar|(?:any\s+)?different|like\s+that|hold(?:\s+true)?
    |(?<!it\s)(?<!it\salso\s)(?:apply|go|work|happen|count))\s+(?:(?:also|too|as\s+well)\s+)*
    (?:for|of|to|with|about|(?=(?:in|at|on|during|after|before|since)\b))\s*(?P<rest>.+?)(?:\s+(?:too|also|as\s+well|either))?$
    |^(?:is|was|are|were|does|did|do|has|have|had|can)\s+(?P<named>(?:the\s+|an?\s+)?\S+(?:\s\S+){0,2}?)\s+
    (?:(?:also|really)\s+)?(?:(?:do|be)\s+)?(?:the\s+same|similar|(?:any\s+)?different|like\s+that|too|as\s+well|also|either)$"""
)
#: "what's", "whats": read as two words.
SHORT = re.compile(r"\b(what|who|where|when|how)(?:'s|(?<=what)s)\s", re.IGNORECASE)
#: One, several or none of the things that were spoken of, by their order.
CHOSEN = pattern(
    r"""^(?:(?P<all>both(?:\s+of\s+(?:them|these|those))?|all(?:\s+of\s+(?:them|these|those))?|each)
    |(?P<none>neither|none|either|any)(?:\s+of\s+(?:them|these|those))?
    |(?:the\s+)?(?P<which>first|second|third|1st|2nd|3rd|former|latter|last)(?:\s+(?:one|of\s+(?:them|these|those)))?)$"""
)
#: What nobody can say of what came before: which others?
REST = pattern(
    r"^(?:the\s+)?(?:others?|rest|remaining(?:\s+ones?)?|other\s+ones)(?:\s+(?:ones|of\s+(?:them|these|those)))?$"
)
MOST = (
    r"(?:best|worst|most|least|fewest|(?:(?:most|least)\s+\w+)"
    r"|(?:high|low|larg|small|bigg|great|long|short|cheap|fast|slow|strong|weak|heavi|light|old|young|new|rich|poor|near"
    r"|deep|wid|tall|hott|cold|earli|clos|safe|clean|busi|simpl|easi|hard|quick|thick|thinn|quiet|loud)est)"
)
ORDER = pattern(r"(?:list|summari[sz]e|compare|explain|describe|find|show|tell|give|name|count)\b")
ALONG = pattern(r"(?:only|just|worldwide|overall|together|altogether|combined|in total|each|alone)\b")

# -- words that point back ---------------------------------------------------------------------------------------------

PERSON = _words("he she him her his hers")
OWN = _words("its their his theirs")
THINGS = _words("it they them")
POINTS = pattern(r"\b(?:it|its|they|them|their|he|she|him|his|her|this|that|these|those|there)\b")
#: "it" that means nothing: "is it allowed to", "how long does it take to".
EMPTY = pattern(
    r"""(?:\w+\s+)?(?:take|cost|need|possible|allowed|permitted|necessary|required|true|legal|safe|clear|likely)\b
    .*\b(?:to|that|if|when)\b"""
)
BOUNDARY = pattern(r"\b(?:and|or|when|if|while|because|that|which|who|where|before|after|once|until|but|so|than)\b")
#: "this NOUN" with such a noun means something of the question before.
NOUNS = _words("company firm group bank business organisation organization plant model unit machine product part site")
#: What happens to a figure, not to the thing that it is of.
MOVES = _words(
    """fall fell fallen rise rose risen grow grew grown change changed increase increased decrease decreased decline
    declined drop dropped compare compares compared percent percentage lot little high low much reason cause caused
    calculated measured computed defined mean means rounded exact up down doubled halved tripled jumped climbed"""
)
PREDICATE = re.compile(r"\b(?:is|was|are|were|has been|have been)\s+(?:\w+ly\s+)?\w+(?:ed|en|lt|ld|nt|ught|ade|id)\b")

#: "how much is saved?", "when was it": a question in which nothing is named that it is asked of.
UNOWNED = pattern(rf"^(?:how(?: (?:much|many|often|long|far))?|when|where|why|by whom) {PREDICATE.pattern}$")

# -- documents ---------------------------------------------------------------------------------------------------------

_KIND = r"""(?:(?:annual|quarterly|interim|sustainability|financial|progress|research|audit|press)\s+)?
    (?:reports?|documents?|files?|papers?|articles?|stud(?:y|ies)|manuals?|guides?|handbooks?|books?|letters?|slides
    |decks?|presentations?|roadmaps?|filings?|10-[kq]s?|contracts?|agreements?|memos?|minutes|invoices?|brochures?
    |datasheets?|pdfs?)"""
#: The same question of other documents than the one that was cited.
OTHER = pattern(
    rf"""^(?:(?:use|try|look in|look at|search|check|in|from|see|i meant|take|open)\s+)?
    (?:the\s+)?(?:other|another|a different|different)(?:\s+(?P<kind>{_KIND}|one|ones))?$
    |^(?P<not>not|wrong|the wrong|(?:that|this)(?:'s| is) the wrong|not in)
    \s*(?:(?:that|this|the)\s+)?(?:{_KIND}|one|there)$
    |^(?:look\s+)?(?:elsewhere|somewhere else)$"""
)
#: The same question of a document that is named.
SOURCE = pattern(
    rf"""^(?:(?P<says>what (?:does|do|did))\s+
    |(?:use|try|look in|look at|search|check|in|from|see|according to|per|i meant|take|with
    |as (?:stated|told|said) in|based on)?\s*)
    (?P<name>(?:the|this|that|our|their)?\s*(?:[\w.'-]+\s+){{0,5}}?(?P<kind>[\w-]+\.\w{{2,4}}|\b{_KIND})
    (?:\s+(?:of|from|on|about|for)\s+[\w' -]+?)?)
    (?(says)\s+(?:say|state|tell|write|mention)s?(?:\s+(?:about|on)\s+(?:(?:it|that|this)|(?P<about>.+)))?)$"""
)
THIS = pattern(rf"\b(?:this|that|the same) {_KIND}\b")
