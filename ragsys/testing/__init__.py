"""What a plugin author runs: the contract of every role as tests, and fakes."""
