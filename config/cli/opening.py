"""What every verb begins with: the settings in force."""

import os
from pathlib import Path

from config.settings import Settings, anchored, load


def settings_of(settings_file: str | None) -> Settings:
    """Return the settings of ``settings_file`` and the environment, paths made absolute."""
    path = Path(settings_file).resolve() if settings_file else None
    return anchored(load(path, os.environ), path.parent if path else Path.cwd())
