"""The order of the work: one flow a file, and the command line."""
