"""The command ``thalweg``, which ``python -m thalweg`` is too."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line and run it; Ctrl-C while it is being loaded ends it in as few words as later."""
    try:
        from thalweg.cli import main as run
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
