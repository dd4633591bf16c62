"""Models of the book, one file each; with codes, they keep the contract `encode`, `posterior`, `decode`, `terms`."""
