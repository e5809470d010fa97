"""The question whether the user trusts a file that can run code."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QMessageBox, QWidget

from ...models.trust import MEANING, trust


def ask_trust(path: Path, parent: QWidget | None = None) -> bool:
    """Ask, and remember a yes; return the answer."""
    box = QMessageBox(parent)
    box.setWindowTitle("Trust this file?")
    box.setIcon(QMessageBox.Icon.Warning)
    box.setText(f"{path.name} can hold program code, which runs when it is loaded.")
    box.setInformativeText(
        f"{MEANING}.\n\nTrust it only if you know where it is from. It is trusted from now on, as "
        "long as its content does not change."
    )
    yes = box.addButton("Trust this file", QMessageBox.ButtonRole.AcceptRole)
    no = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(no)
    box.exec()
    if box.clickedButton() is not yes:
        return False
    trust(path)
    return True
