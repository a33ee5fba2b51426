"""Networks that are trained; need ``kgbuild[train]``."""
