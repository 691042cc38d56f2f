"""Evaluation runs: a suite's questions, asked of one or several configurations over one index, scored and compared.

records.py     the records: a question with its gold, what a configuration gave for it, what came of the scores
"""
