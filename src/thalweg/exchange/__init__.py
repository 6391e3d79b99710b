"""In and out: tables, model files and other libraries. Each optional dependency is imported in its one file here."""
