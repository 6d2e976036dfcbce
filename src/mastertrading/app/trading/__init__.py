"""Trading on the wall clock: what `trade` is made of, and how one looks at it and speaks to it from outside."""
