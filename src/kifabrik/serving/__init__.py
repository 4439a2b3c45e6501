"""Answers OpenAI-compatible requests from a release folder. Knows no portal."""

from kifabrik.core.waiting import let_threads_sleep

let_threads_sleep()  # before the modules of this room load torch
