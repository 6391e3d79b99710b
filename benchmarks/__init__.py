"""Speed, side by side with the peers that are installed. Run by hand (``make bench``), never in the test suite."""
