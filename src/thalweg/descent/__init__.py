"""One run: a model, its data, and the descent that fits one to the other."""
