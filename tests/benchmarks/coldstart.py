"""What a start costs, of an artefact that is built for it: see `infra.artefact.measure`."""

import sys
import tempfile
from pathlib import Path

from infra.artefact import build, measure


def main() -> int:
    """Build both artefacts and measure them."""
    with tempfile.TemporaryDirectory(prefix="slotkeeper-") as folder:
        build(Path(folder))
        return measure.main(["--build", folder])


if __name__ == "__main__":
    sys.exit(main())
