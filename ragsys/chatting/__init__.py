"""What a conversation is made of: how a follow-up is understood, and how its turns are kept. `ragsys.chat` uses it all.

followups.py   a follow-up -> a question that stands on its own, by rules
pointing.py    what "it" and "the second" mean       phrases.py   the fixed turns of speech that rules go by
questions.py   a question taken apart                naming.py    documents as people name them
rewriting.py   the same by a language model, checked
recalling.py   where the answer before stands, for "where does it say that?" and "why?"
threads.py     conversations on disk                 kept.py      a turn as JSON, and back
"""
