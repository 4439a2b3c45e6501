"""The reads of people: who may do what, and what a person may see."""
