"""Tokenizer, pre-training and fine-tuning, one readable module per method. Knows no portal and no ledger."""
