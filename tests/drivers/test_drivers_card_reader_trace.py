"""A trace of cards holds nothing of anybody, and plays back through the driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver_fakes import FakeClock, FakeHost
from hypothesis import given
from hypothesis import strategies as st
from test_drivers_card_reader_driver import READER, MemoryPcsc

from drivers.card_reader.driver import CardReaderDriver
from drivers.card_reader.pcsc import Pcsc
from drivers.card_reader.personal import CardMask, masked_atr
from drivers.card_reader.traced import ReplayedPcsc, TracedPcsc
from drivers.card_reader.values import (
    BankCard,
    ContactlessTag,
    SmartCardFailed,
    SmartCardRead,
    SmartCardRemoved,
    SocialCard,
    Transmit,
    WatchForSmartCard,
)
from drivers.device import DeviceClass, Fault, FaultCode
from drivers.trace import Trace, Traces, read_traces
from kiosk.identity.social_card import social_layout
from rehearsal.emulators.smart_card_files import card_of

NAME, NUMBER, PIN = "王小明", "11010519491231002X", "739164"
SOCIAL = {"kind": "social", "name": NAME, "id_number": NUMBER, "birth": "1949-12-31"}
PAN = "6299990000100000284"
WRITE_PIN = bytes.fromhex("8424000008") + PIN.encode() + b"\xff\xff"


class Table:
    """A driver before a service, traced or played back, and what it posted."""

    def __init__(self, pcsc: Pcsc) -> None:
        self.host = FakeHost(lambda: Fault(FaultCode.BAD_INPUT), FakeClock())
        self.driver = CardReaderDriver("pcsc://Made Up Reader", social_layout(), lambda: pcsc)
        self.driver.connect(self.host)
        self.driver.handle(WatchForSmartCard(), self.host)

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.driver.run(self.host)

    def posted(self, kind: type) -> list[object]:
        return [event for event in self.host.posted if isinstance(event, kind)]


def record(folder: Path, card: dict[str, object], *, write: bytes = b"", pull_at: int = 0) -> Table:
    """A card goes in, is read, perhaps written to, and goes out."""
    service = MemoryPcsc()
    notes = Traces(folder, FakeClock()).notes(DeviceClass.CARD_READER, "pcsc://Made Up Reader")
    table = Table(TracedPcsc(service, notes))
    table.look()
    service.pull_at = pull_at
    service.insert(card_of(card))
    table.look()
    if write:
        table.driver.handle(Transmit(1, write), table.host)
    service.remove()
    table.look()
    table.driver.disconnect()
    return table


def trace_in(folder: Path) -> Trace:
    [trace] = read_traces(folder / "card_reader.jsonl")
    return trace


def replay(trace: Trace, *, write: bytes = b"") -> tuple[Table, ReplayedPcsc]:
    service = ReplayedPcsc(trace, READER)
    table = Table(service)
    table.look(2)
    if write:
        table.driver.handle(Transmit(1, write), table.host)
    table.look()
    return table, service


def test_a_trace_of_a_social_card_holds_nothing_of_it(tmp_path: Path) -> None:
    table = record(tmp_path, SOCIAL, write=WRITE_PIN)
    [read] = table.posted(SmartCardRead)
    assert isinstance(read, SmartCardRead) and isinstance(read.content, SocialCard)
    assert read.content.name == NAME
    everything = b"".join(step.data for step in trace_in(tmp_path).steps)
    assert len(everything) > 200
    secrets = [NAME.encode("gbk"), NUMBER.encode(), PIN.encode(), bytes.fromhex("19491231")]
    secrets.append(read.content.card_id.encode() or b"?")
    assert [secret for secret in secrets if secret in everything] == []


def test_it_plays_back_to_a_card_of_nobody(tmp_path: Path) -> None:
    record(tmp_path, SOCIAL, write=WRITE_PIN)
    table, service = replay(trace_in(tmp_path), write=WRITE_PIN)
    assert service.differs == ""
    assert service.at_end
    [read] = table.posted(SmartCardRead)
    assert isinstance(read, SmartCardRead) and isinstance(read.content, SocialCard)
    assert set(read.content.name) == {"0"}
    assert table.posted(SmartCardRemoved)


@pytest.mark.parametrize("contactless", [False, True])
def test_a_bank_cards_way_is_kept_and_its_number_is_not(tmp_path: Path, contactless: bool) -> None:
    first = record(tmp_path, {"kind": "bank", "pan": PAN, "contactless": contactless})
    text = (tmp_path / "card_reader.jsonl").read_text(encoding="ascii")
    assert PAN not in text and PAN[-4:] not in text
    table, service = replay(trace_in(tmp_path))
    assert service.differs == ""
    [read] = table.posted(SmartCardRead)
    assert isinstance(read, SmartCardRead) and isinstance(read.content, BankCard)
    [card] = first.posted(SmartCardRead)
    assert isinstance(card, SmartCardRead) and isinstance(card.content, BankCard)
    assert read.content.label == card.content.label
    assert not set(read.content.masked_number) - {"*", "3", "0"}


def test_the_number_of_a_tag_is_hidden(tmp_path: Path) -> None:
    table = record(tmp_path, {"kind": "uid", "uid": "04A1B2C3D4E5F6"})
    [read] = table.posted(SmartCardRead)
    assert isinstance(read, SmartCardRead) and isinstance(read.content, ContactlessTag)
    assert "04a1b2" not in (tmp_path / "card_reader.jsonl").read_text(encoding="ascii")


def test_a_card_that_is_pulled_out_is_pulled_out_again(tmp_path: Path) -> None:
    before = record(tmp_path, SOCIAL, pull_at=5)
    [failed] = before.posted(SmartCardFailed)
    table, _ = replay(trace_in(tmp_path))
    [again] = table.posted(SmartCardFailed)
    assert isinstance(failed, SmartCardFailed) and isinstance(again, SmartCardFailed)
    assert again.fault.code is failed.fault.code is FaultCode.CARD_LIFTED


def test_a_driver_that_asks_otherwise_is_told_where(tmp_path: Path) -> None:
    record(tmp_path, SOCIAL)
    service = ReplayedPcsc(trace_in(tmp_path), READER)
    other = CardReaderDriver(
        "pcsc://Made Up Reader", social_layout(application="A000000333"), lambda: service
    )
    host = FakeHost(lambda: Fault(FaultCode.BAD_INPUT), FakeClock())
    other.connect(host)
    other.handle(WatchForSmartCard(), host)
    other.run(host)
    other.run(host)
    assert "where the trace has" in service.differs


pieces = st.binary(max_size=64)
answers = st.one_of(
    pieces,
    st.tuples(st.sampled_from([b"\x6f", b"\x70", b"\x77", b"\x80", b"\x05"]), pieces).map(
        lambda pair: pair[0] + bytes([len(pair[1])]) + pair[1]
    ),
)


@given(st.lists(st.tuples(pieces, answers)))
def test_whatever_is_said_keeps_its_length_and_a_masked_card_stays_as_it_is(
    said: list[tuple[bytes, bytes]],
) -> None:
    first, second = CardMask(), CardMask()
    for command, answer in said:
        asked, told = first.command(command), first.answer(answer)
        assert (len(asked), len(told)) == (len(command), len(answer))
        assert (second.command(asked), second.answer(told)) == (asked, told)
        assert told[-2:] == (answer[-2:] if len(answer) >= 2 else told[-2:])


@given(st.binary(max_size=40))
def test_of_an_answer_to_reset_only_the_kind_of_card_is_kept(atr: bytes) -> None:
    assert masked_atr(atr)[:4] == atr[:4]
    assert not any(masked_atr(atr)[4:])
    assert len(masked_atr(atr)) == len(atr)
