"""``doctor``: the machine, the installation, the settings and the journal, each looked at by one function."""
