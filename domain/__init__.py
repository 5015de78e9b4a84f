"""The rules of the dataset lifecycle, in the standard library alone."""
