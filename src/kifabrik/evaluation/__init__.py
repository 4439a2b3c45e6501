"""Tests of a trained model before it may be released: integrity, contamination, usefulness, memory, recitation.

Knows a model folder and token arrays; not how the model was trained, and not what the gate makes of the results.
"""
