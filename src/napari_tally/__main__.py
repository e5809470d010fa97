"""`python -m napari_tally` is `tally`."""

from .cli.app import main

main()
