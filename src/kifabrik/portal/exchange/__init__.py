"""Expert support: questions, answers and who helps whom."""
