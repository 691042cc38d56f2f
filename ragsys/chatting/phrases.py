"""The turns of phrase by which people go on with a question, correct it, or point at documents. English."""

from __future__ import annotations

import re


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern that is written over several lines: their breaks and indents are no part of it."""
    return re.compile(re.sub(r"\n\s*", "", text), re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+", text))


# -- what asks nothing -------------------------------------------------------------------------------------------------

COURTESY = _pattern(
    r"""^(?:(?:hello|hi|hey|good (?:morning|afternoon|evening)|thanks|thank you|thx|cheers|great|perfect|nice|cool
    |ok(?:ay)?|bye|goodbye|very much|so much|a lot|there)\b[\s,.!]*)+$"""
)

# -- what stands before a question -------------------------------------------------------------------------------------

LED = _pattern(
    r"""^(?:and|but|or|so|ok(?:ay)?|well|then|also|yes|yeah|right|thanks|thank you|great|hmm+|please|now)
    \b[\s,.:;!-]*"""
)
NO = _pattern(
    r"""^(?:(?:no+|nope|nah)
    (?:\s*[,.;:!-]\s*|\s*$|\s+(?=(?:i|it|not|the other|that|use|look|in|for|sorry|wrong|what)\b))
    |wrong\s+(?!document|report|file|paper)\w+\s*[,.;:!-]\s*
    |(?:sorry|actually|rather|correction)\b\s*[,.;:!-]?\s*)"""
)
ABOUT = _pattern(
    r"""^(?:(?:what|how) about|what of
    |(?:the )?same(?: question| thing)?,?(?: again)?(?= (?:for|in|with|but|of|about))
    |(?:i|we) (?:meant|mean|want(?:ed)?|said|(?:am|was|were) asking (?:about|for))|i'm asking (?:about|for)
    |(?:could|can|would) you (?:please )?(?:repeat|do|tell me|say) (?:that|this|it|the same)
    |repeat (?:that|it)|make (?:that|it))
    \b\s*,?\s*"""
)
NOT = _pattern(
    r"""(?:^not\s+.+?\s*(?:,|\bbut\b)\s*
    |[,;]?\s*(?:and |but )?not\s+(?:the\s+)?[\w' -]+$
    |\s+instead of .+$)"""
)
TAIL = _pattern(r"""(?:\s*,?\s*(?:please|instead|then|though|now|maybe|rather|thanks))+\s*$""")
ONE = _pattern(r"""^(?:(?:for|of)\s+)?(?:the\s+)?ones?\s+(?=(?:in|of|for|from|at|on|with)\b)""")

# -- what is said in a few fixed words ---------------------------------------------------------------------------------

AGAIN = _pattern(
    r"""^(?:(?:are you|you) (?:really )?sure(?: about (?:that|this|it))?|really|again|repeat|come again
    |say (?:that|it) again|(?:is )?(?:that|it) (?:is )?(?:right|correct|true)|check (?:that|it|again))$"""
)
REFUSED = _pattern(
    r"""^(?:(?:that|this|it)(?:'s| is| was| can't be| cannot be)?(?: not)?\s
    (?:wrong|right|correct|true|it|what i (?:meant|asked|want(?:ed)?)(?: for)?)
    |wrong|not (?:right|true|correct)|incorrect|no+|nope)$"""
)
WHY = _pattern(
    r"""^(?:why(?: so| not| that| is that| is it so| was (?:that|it))?|how come|how so|what for|for what reason)$"""
)
MORE = _pattern(
    r"""^(?:(?:tell|give|show) me more(?: (?:about|on) (?:that|it|this))?|(?:some )?more(?: details?| please)?
    |go on|continue|(?:please )?(?:explain|elaborate|detail)(?: (?:on )?(?:that|it|this))?
    |details?|(?:what|anything) else|in more detail)$"""
)
SHOW = _pattern(
    r"""^(?:(?:please )?(?:can|could) (?:you|i) )?(?:show|give|see|open|where is)(?: me)? (?:the|that|this|its|a)\s
    (?P<what>table|chart|figure|graph|diagram|picture|image|page|passage|text|source|quote|paragraph|section|original)
    (?: for (?:that|it|this))?$"""
)
WHERE = _pattern(
    r"""^(?:(?:on|in) (?:which|what) (?:page|document|report|file|section|table)(?: (?:is|was|does|do) .*)?
    |which (?:page|document|table)|where does (?:it|the \w+) say (?:that|so|this)
    |where (?:is|did you find|does) (?:that|it|this)(?: .{0,12})?
    |says who|who says (?:that|so)|(?:what is |what's )?(?:the |your )?sources?)$"""
)
SUM = _pattern(
    r"""^(?:please )?(?:(?:summari[sz]e|shorten|translate)(?: (?:that|it|this))?|shorter|(?:more )?briefly
    |in (?:one|a) sentence|in short)$"""
)
COMPARES = _pattern(
    r"""^(?:which(?: one)?(?: of (?:them|the two|these|those))? (?:is|was|has|had|are) (?:the )?[\w ]{2,30}
    |(?:and |so )?what(?:'s| is| was) the (?:difference|ratio|sum|change|total|average)
    (?: between (?:them|the two|both))?|compare (?:them|both|the two)|(?:the )?difference)$"""
)
BARE = _pattern(
    r"""^(?:(?:by|for|since|until|till|from|with|to|in|at|on|of)\s+)?(?:who|whom|when|where|how|which|what)
    (?: (?:many|much|long|often|far|old|large|big|high|year|country|one|ones|place|city|price|unit|currency
    |date|month))*
    (?: exactly)?$"""
)
_ONCE = r"(?:in |for )?(?:the |a |one )?"
BEFORE = _pattern(rf"{_ONCE}(?:year (?:before|earlier)|(?:previous|prior|preceding|last) year|year before that)$")
AFTER = _pattern(rf"{_ONCE}(?:year (?:after|later)|(?:next|following|subsequent) year|year after that)$")
ORDER = _pattern(r"(?:list|summari[sz]e|compare|explain|describe|find|show|tell|give|name|count)\b")
ALONG = _pattern(r"(?:only|just|worldwide|overall|together|altogether|combined|in total|each|alone)\b")

# -- words that point back ---------------------------------------------------------------------------------------------

PERSON = _words("he she him her his hers")
OWN = _words("its their his theirs")
THINGS = _words("it they them")
POINTS = _pattern(r"\b(?:it|its|they|them|their|he|she|him|his|her|this|that|these|those|there)\b")
#: "it" that means nothing: "is it allowed to", "how long does it take to".
EMPTY = _pattern(
    r"""(?:\w+\s+)?(?:take|cost|need|possible|allowed|permitted|necessary|required|true|legal|safe|clear|likely)\b
    .*\b(?:to|that|if|when)\b"""
)
BOUNDARY = _pattern(r"\b(?:and|or|when|if|while|because|that|which|who|where|before|after|once|until|but|so|than)\b")
#: "this NOUN" with such a noun means something of the question before.
NOUNS = _words("company firm group bank business organisation organization plant model unit machine product part site")
#: What happens to a figure, not to the thing that it is of.
MOVES = _words(
    """fall fell fallen rise rose risen grow grew grown change changed increase increased decrease decreased decline
    declined drop dropped compare compares compared percent percentage lot little high low much reason cause caused
    calculated measured computed defined mean means rounded exact"""
)
PREDICATE = re.compile(r"\b(?:is|was|are|were|has been|have been)\s+(?:\w+ly\s+)?\w+(?:ed|en|lt|ld|nt|ught|ade|id)\b")

# -- documents ---------------------------------------------------------------------------------------------------------

_KIND = r"""(?:(?:annual|quarterly|interim|sustainability|financial|progress|research|audit|press)\s+)?
    (?:reports?|documents?|files?|papers?|articles?|stud(?:y|ies)|manuals?|guides?|handbooks?|books?|letters?|slides
    |decks?|presentations?|roadmaps?|filings?|10-[kq]s?|contracts?|agreements?|memos?|minutes|invoices?|brochures?
    |datasheets?|pdfs?)"""
#: The same question of other documents than the one that was cited.
OTHER = _pattern(
    rf"""^(?:(?:use|try|look in|look at|search|check|in|from|see|i meant|take|open)\s+)?
    (?:the\s+)?(?:other|another|a different|different)(?:\s+(?P<kind>{_KIND}|one|ones))?$
    |^(?P<not>not|wrong|the wrong|(?:that|this)(?:'s| is) the wrong|not in)
    \s*(?:(?:that|this|the)\s+)?(?:{_KIND}|one|there)$
    |^(?:look\s+)?(?:elsewhere|somewhere else)$"""
)
#: The same question of a document that is named.
SOURCE = _pattern(
    rf"""^(?:(?P<says>what (?:does|do|did))\s+
    |(?:use|try|look in|look at|search|check|in|from|see|according to|per|i meant|take|with
    |as (?:stated|told|said) in|based on)?\s*)
    (?P<name>(?:the|this|that|our|their)?\s*(?:[\w.'-]+\s+){{0,5}}?(?P<kind>[\w-]+\.\w{{2,4}}|\b{_KIND})
    (?:\s+(?:of|from|on|about|for)\s+[\w' -]+?)?)
    (?(says)\s+(?:say|state|tell|write|mention)s?(?:\s+(?:about|on)\s+(?:(?:it|that|this)|(?P<about>.+)))?)$"""
)
THIS = _pattern(rf"\b(?:this|that|the same) {_KIND}\b")
