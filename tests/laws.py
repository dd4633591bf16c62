"""Laws and checks that more than one test file uses."""

from beartype import BeartypeConf, beartype

# PEP 484's numeric tower: an int is welcome where a float is asked for.
typecheck = beartype(conf=BeartypeConf(is_pep484_tower=True))
