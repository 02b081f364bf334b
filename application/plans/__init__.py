"""Routing documents: read with places (`tree`, `fields`, `mending`, `document`), judged beside the shop as it stands
(`situation`, `judging`), applied as one append (`apply_plan`), told (`history`) and written again (`written`). One
queue, or the rules, set by themselves go the same way (`alone`, `define_alone`).

Imports `application` and `domain`.
"""
