"""`python -m napari_tally` is `tally`."""

from .cli import main

main()
