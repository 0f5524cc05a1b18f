"""What is deployed: one application in two zips, and the template that says which function runs which.

    python -m infra.artefact            writes build/lean.zip, build/worker.zip and build/template.yaml
    python -m infra.artefact.measure    how fast they start

The application and Chalice's runtime are what `chalice package` bundles; the libraries are the wheels of the
versions that are installed here, so what is deployed is what was tested. The Python that builds decides the
runtime. The template is Chalice's, merged with `infra/resources.json` and what watches over all (`watch`),
and finished where merging cannot (`template`). The same sources and versions give the same bytes. Weak point:
what is left out of the libraries is a list kept by hand, and only the tests tell when it takes too much.

Road graphs travel with the code (`roads/`, 1 MB for Porto), because bootstrap reads a folder and nothing
fetches from a bucket yet. When a depot's graph comes from one, that folder moves to /tmp and this copy goes.
"""

from infra.artefact.build import build
from infra.artefact.commands import BuildFailed
from infra.artefact.contents import ARTEFACTS, LEAN, WORKER, Artefact

__all__ = ["ARTEFACTS", "LEAN", "WORKER", "Artefact", "BuildFailed", "build"]
