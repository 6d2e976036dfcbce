"""One frozen, typed schema with every default, how it is read, and its translation to the records of the kernels."""
