"""The catalogue: rules as textbooks print them, and what goes wrong with each."""
