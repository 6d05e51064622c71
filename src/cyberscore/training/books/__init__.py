"""Books of policies and claims: the contract, its checks, and the numbers that are learned from."""
