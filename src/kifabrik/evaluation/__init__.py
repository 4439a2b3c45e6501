"""Tests of a trained model before it may be released: integrity, contamination, usefulness, memory, recitation.

Knows a model folder and token arrays; not how the model was trained, and not what the gate makes of the results.
"""

from kifabrik.core.waiting import let_threads_sleep

let_threads_sleep()  # before the modules of this room load torch
