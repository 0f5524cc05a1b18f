"""What is deployed, run whole: zips and template through the CloudFormation of an emulator, without Docker.

    python -m infra.stack        deploys build/ and leaves it running
    make stack                   the same under the tests of tests/stack

    with Stack(build) as stack:
        urllib.request.urlopen(f"{stack.url}/v1/health")

The zips are those of `make package`, the same for every stage; the template is that of the stage `test`, made
by the same build. Zips of other sources than the template's are refused. ministack makes the resources,
unpacks each zip and runs every function in processes of its own, with the rights of its role and no others.

Weak points, as far as we know them: gateway responses are not read from the template; a stream's partial
failures, retries and destination are ignored; a function's Python also sees the emulator's libraries, behind
ours; a function that is busy answers 429 where Lambda would start more; the table never throttles.
"""

from infra.stack.box import Stack
from infra.stack.deploy import DeployFailed, Deployment, deploy

__all__ = ["DeployFailed", "Deployment", "Stack", "deploy"]
