"""Optimizers of other libraries, as objects. None of these libraries is imported here."""
