"""Whom the terminal believes: our hub only, whatever the machine's clock says. Faults 10 and 19."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cache_world import START, HandClock
from line_world import KEY, LineWorld
from little_authority import make_authority, the_authority
from little_hub import LONG_AGO, LittleHub, serving

from offline_cache.line.client import HubClient
from offline_cache.line.failures import Failure, FailureKind
from offline_cache.line.hub_time import HubTime
from offline_cache.line.identity import DeviceKey, Identity, read_identity, write_identity
from offline_cache.line.tls import context_for

TEN_YEARS = timedelta(days=3652)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LineWorld]:
    with LineWorld(tmp_path) as world:
        yield world


def hub_with(begins_d: float, ends_d: float) -> LittleHub:
    """A hub whose certificate holds from and to so many days around the tests' now."""
    hub = LittleHub()
    hub.certificate = hub.authority.server(
        begins=START + timedelta(days=begins_d), ends=START + timedelta(days=ends_d)
    )
    return hub


# -- the clock --------------------------------------------------------------------------


@pytest.mark.fault(10)
@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS, timedelta(days=-20_000)])
@pytest.mark.parametrize("rebooted", [True, False])
def test_a_clock_that_jumps_strands_nothing(
    tmp_path: Path, jump: timedelta, rebooted: bool
) -> None:
    with LineWorld(tmp_path, hub_with(-30, 3000)) as world:
        world.enrol(ends=world.true_now() + timedelta(days=90))
        numbers = world.seal(1)
        world.drain()
        world.clock.now += jump
        if rebooted:
            world.boot = "second boot"
            world.start()
        numbers += world.seal(2)
        world.drain()
        assert world.hub.numbers() == numbers
        # the time told to people is the hub's, the machine's own is known to be off
        assert abs((world.times.now() - world.true_now()).total_seconds()) < 2
        assert world.times.suspect()
        assert world.lines[-1].clock_off_s == pytest.approx(-jump.total_seconds(), abs=2)
        assert "clock_off" in world.events()
        assert world.hub.renewals <= 1


@pytest.mark.fault(10)
def test_a_terminal_that_never_knew_the_time_asks_for_it(tmp_path: Path) -> None:
    with LineWorld(tmp_path, hub_with(-30, 3000)) as world:
        world.clock.now = LONG_AGO - timedelta(days=18_000)  # 1970
        numbers = world.seal(2)
        world.drain()
        assert world.hub.numbers() == numbers and world.times.suspect()


@pytest.mark.fault(10)
def test_the_time_goes_on_with_the_monotonic_clock_whatever_the_wall_says(tmp_path: Path) -> None:
    with LineWorld(tmp_path) as world:
        world.seal()
        world.drain()
        world.clock.now -= TEN_YEARS
        world.clock.advance(3600)
        assert abs((world.times.now() - world.true_now()).total_seconds()) < 2


def test_a_hub_whose_certificate_ran_out_long_ago_is_not_believed(tmp_path: Path) -> None:
    """By the hub's own last word it is over: nobody's clock is to blame."""
    with LineWorld(tmp_path, hub_with(-30, 10)) as world:
        world.seal()
        world.drain()
        world.clock.advance(11 * 86_400)
        numbers = world.seal()
        world.client.close()  # type: ignore[union-attr] - the next call shakes hands anew
        world.pass_time(600)
        assert numbers[0] not in world.hub.numbers()
        assert world.lines[-1].reason == "untrusted:certificate_dates"


@pytest.mark.fault(10)
def test_a_hub_that_tells_a_time_outside_its_certificate_is_not_believed(tmp_path: Path) -> None:
    with LineWorld(tmp_path, hub_with(-30, 10)) as world:
        world.enrol(ends=world.true_now() + timedelta(days=900))
        world.clock.now += timedelta(days=400)
        world.hub_ahead = timedelta(days=400)
        world.seal()
        world.pass_time(600)
        assert world.hub.batches == [] and world.enrolment.seal_keys == []
        assert world.lines[-1].reason == "untrusted:certificate_dates"


# -- certificates -------------------------------------------------------------------------


@pytest.mark.fault(19)
def test_an_expired_but_known_certificate_delivers_and_is_renewed(
    world: LineWorld,
) -> None:
    before = world.enrol(
        begins=world.true_now() - timedelta(days=120), ends=world.true_now() - timedelta(days=30)
    )
    numbers = world.seal(2)
    world.drain()
    assert world.hub.numbers() == numbers
    assert world.hub.renewals == 1
    now = read_identity(world.enrolment.path)
    assert isinstance(now, Identity) and now.certificate != before.certificate
    assert "certificate_renewed" in world.events()


def test_an_expired_certificate_delivers_also_while_none_can_be_had(world: LineWorld) -> None:
    world.enrol(
        begins=world.true_now() - timedelta(days=120), ends=world.true_now() - timedelta(days=30)
    )
    world.hub.cannot_renew = True
    numbers = world.seal(2)
    world.drain()
    assert world.hub.numbers() == numbers
    numbers += world.seal(1)
    world.pass_time(600)
    assert world.hub.numbers() == numbers and not world.lines[-1].alarm
    assert 2 <= world.hub.renewals <= 12  # it keeps asking
    world.hub.cannot_renew = False
    world.pass_time(120)
    assert "certificate_renewed" in world.events()


def test_a_hub_that_says_expired_is_believed_whatever_our_clock_says(world: LineWorld) -> None:
    """The terminal's clock stood still for a year, and it never knew."""
    world.enrol(ends=world.true_now() + timedelta(days=1))
    world.clock.now -= timedelta(days=1)
    world.hub_ahead = timedelta(days=100)
    numbers = world.seal()
    world.drain()
    world.pass_time(120)
    assert world.hub.numbers() == numbers
    assert "certificate_renewed" in world.events()


def test_a_certificate_is_renewed_at_a_third_of_its_life_and_used_at_once(
    world: LineWorld,
) -> None:
    world.seal()
    world.drain()
    world.clock.advance(29 * 86_400)
    world.pass_time(3600)
    assert world.hub.renewals == 0
    world.clock.advance(86_400)
    world.pass_time(3600)
    assert world.hub.renewals == 1
    world.hub.revoked = {world.hub.authority.issued[-2]}  # the old one is of no use any more
    numbers = world.seal()
    world.drain()
    assert numbers[0] in world.hub.numbers()


def test_a_hub_that_cannot_renew_is_asked_again_and_nothing_waits_for_it(
    world: LineWorld,
) -> None:
    world.enrol(begins=world.true_now() - timedelta(days=60))
    world.hub.sick = "500"
    world.step()
    world.hub.sick = ""
    world.seal()
    world.drain()
    assert world.hub.renewals <= 1
    world.pass_time(7200)
    assert world.hub.renewals == 1 and "certificate_renewed" in world.events()


def test_a_renewed_certificate_for_another_key_is_not_taken(
    world: LineWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DeviceKey(b"o" * 32)
    enrol = world.hub.enrol
    monkeypatch.setattr(world.hub, "enrol", lambda request: enrol(other.request()))
    kept = read_identity(world.enrolment.path)
    world.clock.advance(40 * 86_400)
    world.seal()
    world.drain()
    assert read_identity(world.enrolment.path) == kept
    assert ("certificate_not_renewed", {"reason": "not_for_this_key"}) in world.logged


@pytest.mark.fault(19)
def test_a_hub_of_another_authority_gets_nothing(tmp_path: Path) -> None:
    with LineWorld(tmp_path) as world:
        world.seal()
        world.step()
        with world.away():
            pass
        impostor = LittleHub(authority=make_authority("little hub"), now=world.hub_now)
        world.down()
        port = int(world.hub.url.rsplit(":", 1)[1])
        with serving(impostor, port):
            world.seal()
            world.pass_time(600)
            assert impostor.contacts == 0 and impostor.batches == []
            assert world.lines[-1].alarm
            assert world.lines[-1].reason == "untrusted:certificate"
        world.up()
        world.drain()
        assert len(world.hub.numbers()) == 2


@pytest.mark.fault(19)
def test_a_certificate_for_another_name_is_not_the_hubs(tmp_path: Path) -> None:
    hub = LittleHub()
    hub.certificate = hub.authority.server(names=("hub.example.cn", "127.0.0.2"))
    with LineWorld(tmp_path, hub) as world:
        world.seal()
        world.pass_time(120)
        assert hub.contacts == 0 and world.lines[-1].reason == "untrusted:certificate"


@pytest.mark.fault(19)
def test_a_new_authority_takes_over_through_renewal(tmp_path: Path) -> None:
    """While both stand in the renewed bundle either hub is believed."""
    with LineWorld(tmp_path) as world:
        new = make_authority("the next")
        bundle = the_authority().pem + new.pem
        identity = world.enrol()
        both = Identity(identity.terminal, identity.certificate, bundle)
        assert write_identity(world.enrolment.path, both) is None
        numbers = world.seal()
        world.drain()
        world.down()
        world.hub.certificate = new.server()
        world.up()
        numbers += world.seal()
        world.drain()
        assert world.hub.numbers() == numbers


def test_only_our_own_authority_is_believed_not_the_machines_list(tmp_path: Path) -> None:
    with serving(LittleHub()) as hub:
        identity = Identity("QS01", hub.enrol(KEY.request()), hub.authority.pem)
        context = context_for(identity, KEY)
        assert len(context.get_ca_certs()) == 1
        assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
        clock = HandClock()
        times = HubTime(tmp_path / "time.json", clock)
        client = HubClient(hub.url, clock, times, connect_timeout_s=2, read_timeout_s=2)
        client.use(identity, KEY)
        hub.now = lambda: clock.now
        assert not isinstance(client.contact("e", 0), Failure)
        used = client._http.adapters["https://"]._context  # type: ignore[attr-defined]
        assert len(used.get_ca_certs()) == 1
        client.close()


def test_a_certificate_that_does_not_fit_the_key_stops_and_says_so(world: LineWorld) -> None:
    identity = world.enrol()
    other = DeviceKey(b"o" * 32)
    wrong = Identity("QS01", world.hub.enrol(other.request()), identity.ca)
    assert write_identity(world.enrolment.path, wrong) is None
    world.start()
    world.seal()
    world.step()
    assert world.lines[-1].reason == "untrusted:our_certificate" and world.lines[-1].alarm
    world.enrol()
    world.drain()
    assert len(world.hub.numbers()) == 1


def test_a_terminal_without_a_certificate_is_told_so(tmp_path: Path) -> None:
    with serving(LittleHub()) as hub:
        clock = HandClock()
        client = HubClient(
            hub.url,
            clock,
            HubTime(tmp_path / "time.json", clock),
            connect_timeout_s=2,
            read_timeout_s=2,
        )
        assert client.contact("e", 0) == Failure(FailureKind.UNTRUSTED, "not_enrolled")
        client.use_authority(hub.authority.pem)
        answer = client.contact("e", 0)
        assert isinstance(answer, Failure)
        assert (answer.kind, answer.code) == (FailureKind.UNAUTHORISED, "no_certificate")
        client.close()
