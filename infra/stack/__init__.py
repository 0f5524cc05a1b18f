"""What is deployed, run whole: zips and template through the CloudFormation of an emulator, without Docker.

    python -m infra.stack        deploys build/ and leaves it running
    make stack                   the same under the tests of tests/stack

    with Stack(build) as stack:
        urllib.request.urlopen(f"{stack.url}/v1/health")

ministack makes the resources, unpacks each zip and runs every function in processes of its own, with the
rights of its role and no others. Weak points, as far as we know them: gateway responses are not read from
the template; a stream's partial failures, retries and destination are ignored; a function's Python also sees
the emulator's libraries, behind ours; nothing is throttled by the table, and no clock is slow.
"""

from infra.stack.box import Stack
from infra.stack.deploy import DeployFailed, Deployment, deploy

__all__ = ["DeployFailed", "Deployment", "Stack", "deploy"]
