"""A signed upload does what it says, on an emulated S3, and nothing is signed without credentials."""

from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.credentials import Credentials

from chalicelib.adapters.s3 import Uploads
from chalicelib.errors import Upstream
from tests.erasure.bucket import serving

REGION = "eu-west-1"


def signing(url: str) -> Uploads:
    keys = Credentials("sandbox", "sandbox")
    return Uploads(url, region=REGION, credentials=lambda: keys)


def put(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    try:
        with urlopen(Request(url, body, dict(headers), method="PUT"), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as refused:
        with refused:
            return refused.code


@pytest.mark.xdist_group("store-on-emulator")
@pytest.mark.sandbox
def test_what_is_put_at_a_signed_address_lies_in_the_bucket(emulator: Any) -> None:
    """The bytes and their type, under the key that was signed; another type or length is refused."""
    url = emulator.create_bucket("some-proofs")
    signed = signing(url).signed("acme/1.photo", content_type="image/png", size=4, good_for=60)
    for wrong, headers in ((b"\x89PNG", "text/html"), (b"\x89PNG and a film", "image/png")):
        assert put(signed, wrong, {"Content-Type": headers}) == 403
    assert put(signed, b"\x89PNG", {"Content-Type": "image/png"}) == 200
    stored = emulator.client("s3").get_object(Bucket="some-proofs", Key="acme/1.photo")
    assert (stored["Body"].read(), stored["ContentType"]) == (b"\x89PNG", "image/png")


def test_an_address_is_signed_as_boto3_would() -> None:
    """Byte for byte: the signature is right without anybody asking S3."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        region_name=REGION,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )
    asked = {"Bucket": "proofs", "Key": "a b/1.photo", "ContentType": "image/png", "ContentLength": 4}
    theirs = urlsplit(client.generate_presigned_url("put_object", asked, ExpiresIn=60))
    ours = urlsplit(
        signing(f"https://{theirs.netloc}").signed(
            "a%20b/1.photo", content_type="image/png", size=4, good_for=60
        )
    )
    assert ours.path == theirs.path
    mine, his = parse_qs(ours.query), parse_qs(theirs.query)
    assert mine["X-Amz-SignedHeaders"] == his["X-Amz-SignedHeaders"]
    if mine["X-Amz-Date"] == his["X-Amz-Date"]:  # unless a second passed in between
        assert mine["X-Amz-Signature"] == his["X-Amz-Signature"]


@pytest.mark.xdist_group("store-on-emulator")
@pytest.mark.sandbox
def test_what_is_deleted_is_gone_and_deleting_it_again_is_no_error(emulator: Any) -> None:
    """One object, and no other. CONTROL: it was there."""
    url, s3 = emulator.create_bucket("emptied"), emulator.client("s3")
    for key in ("acme/1.photo", "acme/2.photo"):
        s3.put_object(Bucket="emptied", Key=key, Body=b"a face")
    for _ in range(2):
        signing(url).delete("acme/1.photo")
    left = s3.list_objects_v2(Bucket="emptied")["Contents"]
    assert [each["Key"] for each in left] == ["acme/2.photo"]


def test_deletion_that_may_not_have_happened_is_an_error() -> None:
    """Whoever erases comes again: the bucket refuses us, or does not answer."""
    with serving() as bucket:
        bucket.objects["k"] = b"a face"
        bucket.answers += [403, 503]
        for _ in range(2):
            with pytest.raises(Upstream):
                signing(bucket.url).delete("k")
        signing(bucket.url).delete("k")
        assert bucket.objects == {}
        [(method, key, signature), *_] = bucket.asked
        assert (method, key) == ("DELETE", "k")
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=sandbox/")
    with pytest.raises(Upstream):
        signing(bucket.url).delete("k")


def test_nothing_is_signed_without_credentials() -> None:
    """A 503 that says so, and no address that opens nothing."""
    nobodys = Uploads("https://x", region=REGION, credentials=lambda: None)
    with pytest.raises(Upstream):
        nobodys.signed("k", content_type="image/png", size=None, good_for=60)
    with pytest.raises(Upstream):
        nobodys.delete("k")
