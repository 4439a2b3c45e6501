"""Tokenizer, pre-training and fine-tuning, one readable module per method. Knows no portal and no ledger."""

from kifabrik.core.waiting import let_threads_sleep

let_threads_sleep()  # before the modules of this room load torch
