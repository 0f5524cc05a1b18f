"""Uploads into our bucket by somebody who has no key to it: an address signed for one object and a while.

Signing is arithmetic: nothing is asked of AWS, and botocore's model of S3, a megabyte, is not loaded. Whoever
uploads acts in our name, so the function that signs must be allowed to put. Weak point: an upload whose size
was not announced is not held to one.
"""

from collections.abc import Callable
from typing import Any

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from chalicelib.errors import Upstream
from chalicelib.units import Seconds


class Uploads:
    """Signs uploads into one bucket.

    Parameters
    ----------
    url
        Of the bucket, without a slash at the end.
    credentials
        Finds ours, fresh ones each time: a function's run out.
    """

    def __init__(self, url: str, *, region: str, credentials: Callable[[], Any]) -> None:
        self._url, self._region, self._credentials = url, region, credentials

    def signed(self, key: str, *, content_type: str, size: int | None, good_for: Seconds) -> str:
        """Sign a PUT of one object, of this type and, if given, of exactly this many bytes.

        Raises
        ------
        Upstream
            There are no credentials to sign with.
        """
        credentials = self._credentials()
        if credentials is None:
            raise Upstream("Nothing can be signed for now.")
        headers = {"Content-Type": content_type}
        if size is not None:
            headers["Content-Length"] = str(size)
        request = AWSRequest(method="PUT", url=f"{self._url}/{key}", headers=headers)
        S3SigV4QueryAuth(credentials, "s3", self._region, expires=good_for).add_auth(request)
        return str(request.url)
