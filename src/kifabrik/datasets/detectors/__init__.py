"""Finds personal identifiers in text: one rule a kind, all in `table.RULES`. Knows text, not files or severities.

Tiers say how sure a hit is: 3 = checksum and structure, 2 = strict format, or checksum with a context word, 1 = shape
only. Tier 1 is not reported in code, where tables of numbers look like it. `scanner.Scanner` is the door; anchors run
in `engines`, checks judge what they name, `passes` joins both. What no rule covers stands in `coverage`.
"""
