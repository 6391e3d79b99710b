"""The trainer: code with one mistake of the catalogue in it, for a learner to find."""
