"""Models of the book, one file each; all keep the contract `encode`, `posterior`, `decode`, `terms`."""
