"""What a model replied becomes sentences with marks; what those are worth is told by `ragsys.citing`.

drafts.py    a reply as a schema or free text holds it -> a draft of the answer; a reply that broke off is rescued
marks.py     [evidence.block "quote"] in running text
partial.py   the text of sentences out of JSON that is still being written
"""
