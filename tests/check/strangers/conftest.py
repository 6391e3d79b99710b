"""The submissions are examined, not collected: some do not even compile."""

collect_ignore = ["submissions"]
