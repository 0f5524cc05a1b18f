"""Photos and signatures in our bucket: put there by phones that have no key to it, and deleted by us.

An upload is an address signed for one object and a while. Signing is arithmetic: nothing is asked of AWS, and
botocore's model of S3, a megabyte, is not loaded. Whoever uploads acts in our name, so the function that
signs must be allowed to put. Weak point: an upload whose size was not announced is not held to one.
"""

from collections.abc import Callable
from typing import Any

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from chalicelib.errors import Upstream
from chalicelib.units import Seconds

_SECONDS = 3  # to connect, and to answer: a buyer has a few objects, and a function 28
_GONE = (200, 204, 404)  # S3 says 204 whether or not there was one


class Uploads:
    """Signs uploads into one bucket, and empties it again.

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
        credentials = self._signer()
        headers = {"Content-Type": content_type}
        if size is not None:
            headers["Content-Length"] = str(size)
        request = AWSRequest(method="PUT", url=f"{self._url}/{key}", headers=headers)
        S3SigV4QueryAuth(credentials, "s3", self._region, expires=good_for).add_auth(request)
        return str(request.url)

    def delete(self, key: str) -> None:
        """Delete an object; nothing, if there is none.

        Raises
        ------
        Upstream
            It may still be there.
        """
        request = AWSRequest(method="DELETE", url=f"{self._url}/{key}")
        S3SigV4Auth(self._signer(), "s3", self._region).add_auth(request)
        try:
            answer = URLLib3Session(timeout=_SECONDS).send(request.prepare())
        except BotoCoreError as error:
            raise Upstream("The bucket does not answer.") from error
        if answer.status_code not in _GONE:
            raise Upstream(f"The bucket refuses us: {answer.status_code}.")

    def _signer(self) -> Any:
        credentials = self._credentials()
        if credentials is None:
            raise Upstream("Nothing can be signed for now.")
        return credentials
