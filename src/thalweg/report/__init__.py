"""A finished comparison as one page: words first, then tables and charts, in one file that asks for nothing else."""
