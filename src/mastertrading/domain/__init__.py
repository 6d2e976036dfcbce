"""The words of the field: value types, reasons and errors. Imports nothing of ours."""
