"""Which conversation a mail joins where neither token nor Message-ID of ours proves it: `subjects.py` compares
subjects, `decision.py` decides over what the log knows.
"""
