"""Tests of a trained model and the release gate. Knows the model and the dataset, not how either was made."""
