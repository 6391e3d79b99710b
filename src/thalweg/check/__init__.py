"""Is it right: update rules, gradients, losses; what is wrong, where, and how it would be right."""
