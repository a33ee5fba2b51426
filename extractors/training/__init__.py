"""Training, scoring and export of networks; needs ``kgbuild[train]``."""
