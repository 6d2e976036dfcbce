"""Downloads bring together an exchange that knows nothing of the lake and a lake that knows nothing of exchanges."""
