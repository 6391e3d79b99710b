"""Gradients in strangers' files: functions and classes in whatever style people write them, made checkable."""
