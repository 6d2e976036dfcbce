"""What happens to a position: fills, funding, stops, exits, margin, and the money they move."""
