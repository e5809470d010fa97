"""`python -m napari_tally` is `tally`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; Ctrl+C ends its imports in silence."""
    try:
        from .cli.app import main as run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    run()


if __name__ == "__main__":
    main()
