"""The press: execution, claims, figures and pages of the book (needs the extra `book`)."""
