"""Tables from CSV, TSV and Parquet files: read as they are written or not at all.

From the file to the table: `source` looks at the file, `layout` and `records` cut delimited text, `parquet` and
`parquet_process` read Parquet, `cells` and `columns` make numbers of text, `content` is what both readers give, and
`table` is what the rest of the library works with.
"""

from __future__ import annotations

from thalweg.exchange.tables.table import Table, match_columns, read_table

__all__ = ["Table", "match_columns", "read_table"]
