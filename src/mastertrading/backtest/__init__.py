"""The compiled replay of recorded bars, its statistics and its run folder."""
