"""TLS to our own hub: its authority and no other, our certificate, dates judged by us.

OpenSSL is told not to look at dates (X509_V_FLAG_NO_CHECK_TIME): a machine whose battery died says
1970, and a queue must not strand on that. Dates are judged here against `HubTime` instead.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, Final

import urllib3
from cryptography import x509
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from offline_cache.line.identity import DeviceKey, Identity

NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of openssl/x509_vfy.h

Judge = Callable[[bytes], str]
"""Given the peer's certificate (DER): what is wrong with it; empty when nothing is."""


class Dates(Enum):
    HOLD = "hold"
    DOUBTFUL = "doubtful"  # only by a clock that may be wrong: ask the hub what time it is
    OVER = "over"


def judge_dates(certificate: x509.Certificate, now: datetime, floor: datetime | None) -> Dates:
    """Whether the certificate holds `now`. `floor`: it cannot be earlier, as the hub once said.

    A certificate that is out of date by the machine's clock alone is doubtful; one that ended
    before the hub's last word is over.
    """
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins <= now <= ends:
        return Dates.HOLD
    if floor is not None and ends < floor:
        return Dates.OVER
    return Dates.DOUBTFUL


class CertificateDatesError(ssl.SSLCertVerificationError):
    """The peer's certificate is out of date, as far as we can tell."""


def context_for(identity: Identity, key: DeviceKey) -> ssl.SSLContext:
    """Trusts the identity's authority and nothing else, shows its certificate.

    Raises ssl.SSLError or ValueError when certificate, key and authority are no set.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # name and chain are checked
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=identity.ca)
    context.verify_flags |= NO_CHECK_TIME
    # The library reads a key from a file only: one that is in no folder and on no disk.
    memory = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with open(memory, "wb", closefd=False) as out:
            out.write(identity.certificate.encode() + b"\n" + key.pem())
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
    return context


def context_of_authority(ca: str) -> ssl.SSLContext:
    """Trusts this authority and nothing else, shows no certificate: for enrolment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=ca)
    context.verify_flags |= NO_CHECK_TIME
    return context


def context_of_nobody() -> ssl.SSLContext:
    """Trusts anybody. Only to fetch the authority's certificate, which the code's pin then proves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class HubAdapter(HTTPAdapter):
    """Connections of requests as the line needs them: our context, our judge, patient sending."""

    def __init__(
        self,
        context: ssl.SSLContext,
        judge: Judge,
        io_timeout_s: float,
        on_asked: Callable[[], None],
    ) -> None:
        """`io_timeout_s`: how long one write may stand still. (The library would take the time
        to connect for that, which a slow line does not meet.) `on_asked` is called when a request
        is written and its answer not yet read."""
        self._context = context
        self._judge = judge
        self._io_timeout_s = io_timeout_s
        self._on_asked = on_asked
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=self._context, **more)
        judge, io_timeout_s = self._judge, self._io_timeout_s
        unverified = self._context.verify_mode is ssl.CERT_NONE
        on_asked = self._on_asked

        class Judged(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                wire: Any = self.sock
                if unverified:
                    self.is_verified = True  # by the pin, as soon as the answer is here
                elif wrong := judge(wire.getpeercert(binary_form=True) or b""):
                    self.close()
                    raise CertificateDatesError(wrong)
                wire.settimeout(io_timeout_s)

            def getresponse(self) -> Any:
                on_asked()
                return super().getresponse()

        class Patient(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                wire: Any = self.sock
                wire.settimeout(io_timeout_s)

            def getresponse(self) -> Any:
                on_asked()
                return super().getresponse()

        class JudgedPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Judged

        class PatientPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Patient

        self.poolmanager.pool_classes_by_scheme = {"http": PatientPool, "https": JudgedPool}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context alone says whom we trust; no list of public authorities is added to it."""
        conn.cert_reqs = (
            "CERT_NONE" if self._context.verify_mode is ssl.CERT_NONE else "CERT_REQUIRED"
        )
        conn.ca_certs = conn.ca_cert_dir = None
        conn.cert_file = conn.key_file = None

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, kwargs = super().build_connection_pool_key_attributes(request, True, None)
        if self._context.verify_mode is ssl.CERT_NONE:
            kwargs["cert_reqs"] = "CERT_NONE"
        return host, kwargs


# Reasons of OpenSSL by which the other side says that it does not take our certificate.
_OUR_CERTIFICATE: Final = ("CERTIFICATE_REQUIRED", "UNKNOWN_CA", "BAD_CERTIFICATE", "ALERT_CERTIFICATE", "ACCESS_DENIED")  # fmt: skip
_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL")  # fmt: skip


def why_untrusted(error: BaseException) -> str:
    """A word for an error of TLS that says who is there; empty when the line just broke."""
    if isinstance(error, CertificateDatesError):
        return str(error.args[-1])
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        if any(word in reason for word in _OUR_CERTIFICATE):
            return "our_certificate"
        if any(word in reason for word in _NOT_TLS):
            return "not_tls"
    return ""
