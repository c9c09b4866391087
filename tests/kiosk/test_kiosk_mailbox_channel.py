"""Threads post, one thread drains; processes talk in frames."""

from __future__ import annotations

import socket
import struct
import threading

from hypothesis import given
from hypothesis import strategies as st

from kiosk.channel import MAX_JSON_BYTES, Channel, ChannelClosed, Frame
from kiosk.mailbox import Mailbox


def test_events_come_out_in_the_order_in_which_they_were_posted() -> None:
    box = Mailbox()
    for number in range(5):
        box.post(number)
    assert box.drain() == [0, 1, 2, 3, 4]
    assert box.drain() == []


def test_the_drainer_is_woken_once_for_a_burst() -> None:
    wakes: list[None] = []
    box = Mailbox(lambda: wakes.append(None))
    box.post("a")
    box.post("b")
    assert len(wakes) == 1
    box.drain()
    box.post("c")
    assert len(wakes) == 2


def test_what_was_posted_before_anyone_listened_is_not_lost() -> None:
    box = Mailbox()
    box.post("early")
    wakes: list[None] = []
    box.set_wake(lambda: wakes.append(None))
    assert wakes == [None]
    assert box.drain() == ["early"]


def test_nothing_is_lost_when_many_threads_post() -> None:
    box = Mailbox()
    threads = [
        threading.Thread(target=lambda start=start: [box.post((start, n)) for n in range(500)])
        for start in range(4)
    ]
    for thread in threads:
        thread.start()
    seen: list[object] = []
    while any(thread.is_alive() for thread in threads):
        seen += box.drain()
    seen += box.drain()
    assert len(seen) == 2000
    for start in range(4):
        assert [n for s, n in seen if s == start] == list(range(500))  # type: ignore[misc]


@given(st.binary(max_size=3000), st.lists(st.binary(max_size=70_000), max_size=4))
def test_a_frame_arrives_as_it_was_sent(json: bytes, blobs: list[bytes]) -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = Channel(ours), Channel(theirs)
    thread = threading.Thread(target=sender.send, args=(json, tuple(blobs)))
    thread.start()
    assert receiver.receive() == Frame(json, tuple(blobs))
    thread.join()
    sender.close()
    receiver.close()


def test_a_frame_cut_short_closes_the_channel_instead_of_being_guessed_at() -> None:
    ours, theirs = socket.socketpair()
    receiver = Channel(theirs)
    ours.sendall(struct.pack(">II", 10, 0) + b"abc")
    ours.close()
    assert receiver.receive() == ChannelClosed("closed")
    receiver.close()


def test_a_frame_that_claims_too_much_is_refused_without_waiting_for_it() -> None:
    ours, theirs = socket.socketpair()
    receiver = Channel(theirs)
    ours.sendall(struct.pack(">II", MAX_JSON_BYTES + 1, 0))
    assert receiver.receive() == ChannelClosed("frame too large")
    ours.close()
    receiver.close()


def test_sending_to_a_process_that_is_gone_is_a_value_not_an_exception() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    sender = Channel(ours)
    answers = [sender.send(b"x" * 100_000) for _ in range(3)]
    assert isinstance(answers[-1], ChannelClosed)
    sender.close()
