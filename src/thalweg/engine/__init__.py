"""How descent runs natively. The only folder that imports Numba; nothing here is imported before it is needed."""
