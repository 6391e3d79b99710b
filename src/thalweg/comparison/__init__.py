"""Many runs: which rule at which learning rate, for one model on one table."""
