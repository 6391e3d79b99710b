"""What descends: the mathematics of rules, losses, penalties, activations, schedules and surfaces."""
