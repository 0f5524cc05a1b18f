"""The whole sandbox around a tiny app: it starts, hands over what it should, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.sandbox import Sandbox
from infra.sandbox.children import ChildDied
from tests.sandbox.waiting import eventually

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.xdist_group("sandbox"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
]
TINY = "tests.sandbox.tiny_app"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(app=TINY, empty=True, home=tmp_path_factory.mktemp("tiny")) as running:
        yield running


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def is_seen(box: Sandbox, kind: str, prefix: str) -> bool:
    found = box.client("dynamodb").query(
        TableName=box.environment["TABLE_NAME"],
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"SEEN#{kind}"}, ":sk": {"S": prefix}},
    )
    return bool(found["Count"])


def test_requests_are_answered_by_more_than_one_process(box: Sandbox) -> None:
    """The API runs as several processes behind one port."""
    pids: set[int] = set()

    def two_pids() -> bool:
        pids.add(get(f"{box.url}/v1/health")["pid"])
        return len(pids) == 2

    assert eventually(two_pids)


def test_functions_run_in_the_stage_sandbox_and_see_no_other_aws(box: Sandbox) -> None:
    """Whatever account the developer is signed in to, nothing here can reach it."""
    assert get(f"{box.url}/v1/health")["stage"] == "sandbox"
    assert box.environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert box.environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_job_on_the_queue_reaches_its_function(box: Sandbox) -> None:
    """A message of the improve queue is handed to `improve`."""
    box.client("sqs").send_message(
        QueueUrl=box.environment["IMPROVE_QUEUE_URL"],
        MessageBody="job",
        MessageGroupId="depot-day",
        MessageDeduplicationId="1",
    )
    assert eventually(lambda: is_seen(box, "improve", "job#1"))


def test_delivery_on_the_queue_reaches_its_function(box: Sandbox) -> None:
    """A message of the webhooks queue is handed to `deliver_webhooks`."""
    url = box.environment["WEBHOOKS_QUEUE_URL"]
    box.client("sqs").send_message(QueueUrl=url, MessageBody="delivery")
    assert eventually(lambda: is_seen(box, "webhook", "delivery"))


def test_text_on_the_queue_reaches_its_function(box: Sandbox) -> None:
    """A message of the texts queue is handed to `send_texts`."""
    box.client("sqs").send_message(QueueUrl=box.environment["TEXTS_QUEUE_URL"], MessageBody="look")
    assert eventually(lambda: is_seen(box, "text", "look"))


def test_written_item_reaches_the_stream_function(box: Sandbox) -> None:
    """A row that holds facts is handed to `publish_facts`, and no other: the template filters the stream."""
    for number, facts in (("first", {}), ("hello", {"facts": {"S": "[]"}})):
        item = {"pk": {"S": "SAY"}, "sk": {"S": number}} | facts
        box.client("dynamodb").put_item(TableName=box.environment["TABLE_NAME"], Item=item)
    assert eventually(lambda: is_seen(box, "fact", "hello"))
    assert not is_seen(box, "fact", "first")


def test_what_is_due_is_drained_all_the_time(box: Sandbox) -> None:
    """The schedule calls `drain_due`."""
    assert eventually(lambda: is_seen(box, "due", "tick"))


def test_fake_twilio_is_there(box: Sandbox) -> None:
    """Texts have somewhere to go."""
    assert get(f"{box.environment['TWILIO_API_URL']}/_inbox") == {"data": []}


def started(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command of `make serve` and return when it is ready or has ended."""
    command = [sys.executable, "-m", "infra.sandbox", "serve", "--home", str(home), "--app", TINY, "--empty"]
    running = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    eventually(lambda: (home / "ready.json").exists() or running.poll() is not None)
    return running


def ports_of(home: Path) -> list[int]:
    environment = json.loads((home / "environment.json").read_text())
    urls = [environment[name] for name in ("PUBLIC_BASE_URL", "AWS_ENDPOINT_URL", "TWILIO_API_URL")]
    return [int(url.rpartition(":")[2]) for url in urls]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_sandbox_leaves_no_process_no_port_and_no_ready_file(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM stop every part, and the exit status says that all is well."""
    running = started(tmp_path, "--port", "0")
    ready = json.loads((tmp_path / "ready.json").read_text())
    assert ready.keys() == {"url", "merchants", "twilio"}
    assert ready["twilio"].keys() == {"auth_token", "from_number"}
    assert (tmp_path / "ready.json").stat().st_mode & 0o077 == 0
    ports, children = ports_of(tmp_path), children_of(running.pid)
    assert len(children) == 10
    running.send_signal(number)
    output, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (0, "")
    assert ready["url"] in output
    assert not (tmp_path / "ready.json").exists()
    assert all(is_free(port) for port in ports)
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_killed_part_ends_the_sandbox_with_its_name_and_the_end_of_its_log(tmp_path: Path) -> None:
    """A sandbox that lost a part says so and exits non-zero instead of going on half alive."""
    running = started(tmp_path, "--port", "0")
    [victim] = [
        child
        for child in children_of(running.pid)
        if b"publish_facts" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    os.kill(victim, signal.SIGKILL)
    _, errors = running.communicate(timeout=20)
    assert running.returncode == 1
    assert "publish_facts ended by itself (SIGKILL)" in errors
    assert all(is_free(port) for port in ports_of(tmp_path))


def test_killed_sandbox_takes_its_parts_with_it(tmp_path: Path) -> None:
    """Even kill -9 leaves no orphan behind."""
    running = started(tmp_path, "--port", "0")
    ports = ports_of(tmp_path)
    running.kill()
    running.communicate(timeout=20)
    assert eventually(lambda: all(is_free(port) for port in ports))


def test_taken_port_is_said_at_once(tmp_path: Path) -> None:
    """Two sandboxes on one port do not share it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = started(tmp_path, "--port", str(port))
        _, errors = running.communicate(timeout=20)
    assert running.returncode == 1
    assert f"Port {port} cannot be used" in errors


def test_app_that_cannot_be_imported_is_shown_with_its_traceback(tmp_path: Path) -> None:
    """The reason why the sandbox did not start is on the screen, not in a file somewhere."""
    with (
        pytest.raises(ChildDied, match=r"No module named 'tests\.no_such_app'"),
        Sandbox(app="tests.no_such_app", empty=True, home=tmp_path),
    ):
        pass
