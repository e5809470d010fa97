"""Store the graphs of the networks of all built-in models, after one was added or changed.

python training/store_graphs.py
"""

from __future__ import annotations

from napari_tally.models.bundle import SHIPPED, read_architectures, shipped_models
from napari_tally.network.graphs.store import STORED, file_name, store_graph


def main() -> None:
    """Trace MONAI's networks, and remove the graphs that no model has any more."""
    wanted = set()
    for model in shipped_models():
        for architecture in read_architectures(SHIPPED / model):
            if store_graph(architecture, architecture.build(), STORED) is None:
                print(f"{model}: {architecture.name} has no graph, and is built by MONAI")
                continue
            wanted.add(file_name(architecture))
            print(f"{model}: {file_name(architecture)}")
    for path in STORED.glob("*.json"):
        if path.name not in wanted:
            path.unlink()


if __name__ == "__main__":
    main()
