"""What commands print, taken apart."""


def board_of(out: str) -> list[list[str]]:
    """Return the rows of the leaderboard below its header."""
    lines = out.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("──"))
    return [line.split() for line in lines[first + 1 : lines.index("", first)]]
