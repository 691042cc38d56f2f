"""What is said to a program and asks nothing of documents: "hello", "thanks", "who are you?". English.

One reply a kind, without a search: every way to ask (`ask`, `stream`, a chat, the command line) gives the same.
"""

from __future__ import annotations

import re

from ragsys.answers import Answer

NOTE = "nothing was searched: this is no question about the documents"
_CHAR = r"[\s,.!?;:)(-]"
#: What is said, and what is replied. Of a line that holds several the last kind in this table is taken.
_KINDS = {
    "fine": (
        r"great|perfect|nice|cool|awesome|excellent|wonderful|ok(?:ay)?|got it|i see|understood|good job|well done",
        "Good. Ask the next question about the documents.",
    ),
    "greeting": (
        r"hello|hi|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|how are you(?: doing)?(?: today)?"
        r"|how(?:'s| is) it going|what(?:'s| is) up|how do you do|nice to meet you|welcome",
        "Hello. Ask a question about the documents in this folder.",
    ),
    "thanks": (
        r"thank you|thanks?|thx|ty|cheers|many thanks|much appreciated|(?:i )?appreciate (?:it|that)",
        "You are welcome.",
    ),
    "bye": (
        r"bye(?: bye)?|goodbye|good night|see you(?: later| soon)?|farewell|take care|that(?:'s| is| was) all"
        r"|have a (?:nice|good|great) (?:day|evening|weekend|one)",
        "Goodbye.",
    ),
    "who": (
        r"(?:who|what) are you|what(?:'s| is) your name|who (?:made|built|created|wrote) you|do you have a name"
        r"|are you (?:an? )?(?:human|robot|bot|chatbot|machine|person|program|ai|llm|language model|real|there|chatgpt)"
        r"|introduce yourself|tell me (?:about|something about) yourself",
        "I am ragsys, a program. I answer questions from the documents in this folder, and cite the page and the place "
        "that each sentence rests on.",
    ),
    "able": (
        r"what (?:can|do|could) you do(?: for (?:me|us))?|what are you (?:able to do|good for|for)"
        r"|(?:how )?can you help(?: me)?|how do you work|how does this work"
        r"|(?:please )?help(?: me)?(?: please)?|how (?:do|can|should) i use (?:this|you)"
        r"|what (?:can|should|could|do) i ask(?: you)?",
        "I answer questions about the documents in this folder: I search their pages and cite the page and the place "
        "that each sentence rests on, or say that they hold no answer. Ask for a figure, a name, a date, a rule; in a "
        'chat, go on with "and in 2022?" or "where does it say that?".',
    ),
}
_FILLERS = (
    r"(?:very much|so much|a lot|again|there|all|everyone|ragsys|then|and|oh|well|so"
    r"|for (?:your|the|all your) help|for that)"
)
_SAID = "|".join(f"(?P<{name}>{said})" for name, (said, _) in _KINDS.items())
_PIECE = re.compile(rf"{_CHAR}*(?:(?:{_SAID}|{_FILLERS})(?![\w'-])|$)", re.IGNORECASE)


def kind(text: str) -> str:
    """Which kind of small talk a text is; empty where it is none."""
    text = text.replace("’", "'").strip()
    found: set[str] = set()
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            return ""
        found |= {name for name in _KINDS if piece[name]}
        at = piece.end()
    return next((name for name in reversed(_KINDS) if name in found), "")


def replied(text: str) -> Answer | None:
    """The answer to small talk: it cites nothing and names no generator; None for anything else."""
    name = kind(text)
    return Answer(text, _KINDS[name][1], (), (), "answered", notes=(NOTE,)) if name else None
