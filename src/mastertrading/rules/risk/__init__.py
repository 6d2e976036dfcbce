"""What may be risked: size, gates, exposure, breakers."""
