"""Strangers' code runs here only: in a process of its own, with limits, without a network, that may write nowhere."""
