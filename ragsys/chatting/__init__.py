"""What a conversation is made of: how a follow-up is understood, and how its turns are kept. `ragsys.chat` uses it all.

followups.py   a follow-up -> a question that stands on its own, by rules
comparing.py   several things at once: "compare them", "how much more is that?", "which is the cheapest?"
clarifying.py  what is asked back where it cannot be told what is meant, and what the reply fills in
pointing.py    what "it" and "the second" mean       phrases.py   the fixed turns of speech that rules go by
questions.py   a question taken apart                naming.py    documents as people name them
rewriting.py   the same by a language model, checked
recalling.py   what is told to whoever would hear the answer before again: "where does it say that?", "why?"
threads.py     conversations on disk                 kept.py      a turn as JSON, and back
"""
