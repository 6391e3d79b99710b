"""The peers that are not a package of their own."""
