"""Answers OpenAI-compatible requests from a release folder. Knows no portal."""
