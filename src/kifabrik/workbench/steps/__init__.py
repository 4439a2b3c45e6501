"""The steps of the walk, in three parts: preparation, training, delivery. Each knows the walk, none another step."""
