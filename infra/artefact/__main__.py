"""Build into a folder and say how large it came out."""

import argparse
import sys
import zipfile
from pathlib import Path

from infra.artefact.build import ROOT, build
from infra.artefact.commands import BuildFailed
from infra.artefact.contents import ARTEFACTS

MEGABYTE = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.artefact", description=__doc__)
    parser.add_argument("--stage", default="live", help="stage of .chalice/config.json")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="folder to write into")
    given = parser.parse_args()
    try:
        build(given.out, stage=given.stage)
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    for artefact in ARTEFACTS:
        path = given.out / artefact.file_name
        print(f"{path.name:<11} {path.stat().st_size / MEGABYTE:5.1f} MB, {unpacked(path):5.1f} MB unpacked")
    return 0


def unpacked(path: Path) -> float:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist()) / MEGABYTE


if __name__ == "__main__":
    sys.exit(main())
