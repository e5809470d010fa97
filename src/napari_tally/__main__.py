"""`python -m napari_tally` is `tally`."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line; Ctrl+C ends its imports in silence."""
    from .core.threads import wait_without_spinning

    wait_without_spinning()
    gc.disable()  # nothing of imported modules is garbage; `with_bar` enables it again
    try:
        from .cli.app import main as run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    try:
        run()
    finally:
        gc.freeze()  # the system frees memory at once, Python would take a second


if __name__ == "__main__":
    main()
