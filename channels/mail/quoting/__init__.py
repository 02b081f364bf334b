"""What quoted mail looks like: `marks.py` the words of some twenty languages, `lines.py` a text's lines told apart,
`markup.py` what mail programs leave in HTML. `../quotes.py` decides with them.
"""
