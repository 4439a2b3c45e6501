"""The pass over many texts in tasks that can be killed: plan, one part a task, joining of the parts, final shards.

`kifabrik.datasets.check` is the door. Knows the order of the work and its files, not how a text is judged.
"""
