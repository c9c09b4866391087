"""What the terminals handed over, and what staff decided about it.

`ReceivedItem` is the memory that makes a resend harmless, for ever: one row an item, with the
bytes as they were sent, still sealed. The other tables are read out of it, a moment later.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models

from hub.terminals.models import Terminal


class Queue(models.Model):
    """How far one queue of a terminal has come: an epoch is a database file on the terminal."""

    terminal = models.ForeignKey(Terminal, models.PROTECT, verbose_name="终端", db_index=False)
    epoch = models.CharField("队列标识", max_length=64)
    whole_upto = models.BigIntegerField("连续收到", default=0)  # every place up to here is settled
    top_seq = models.BigIntegerField("最后收到", default=0)
    claimed_seq = models.BigIntegerField("终端已用到", default=0)
    top_link = models.BinaryField(default=b"")  # the chain at `top_seq`; empty: it has to be read
    # When a place was first missing below one that arrived; None while none is.
    gap_since = models.DateTimeField("缺号起始", null=True)
    first_at = models.DateTimeField("首次联系")
    last_at = models.DateTimeField("最近送达")

    class Meta:
        verbose_name = "终端队列"
        verbose_name_plural = "终端队列"
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["terminal", "epoch"], name="one_queue_an_epoch")
        ]

    def __str__(self) -> str:
        return f"{self.terminal_id} {self.epoch[:8]}"


class ReceivedItem(models.Model):
    id = models.UUIDField(primary_key=True)
    # A number where a terminal and an epoch would be words in every row and in its index: taking an
    # item costs the database a quarter less. The constraint below is its index, and that there is
    # such a queue was seen at the door.
    queue = models.ForeignKey(
        Queue, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    order_key = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    received_at = models.DateTimeField()
    sha256 = models.BinaryField()  # 32 bytes, of what is sealed
    chain = models.BinaryField()  # 32 bytes: SHA-256 over the chain before, seq, id and sha256
    sealed = models.BinaryField()  # exactly as sent: the hash stays checkable
    # The sealed attachments it names, outside its seal: their hashes, 32 bytes each.
    attachments = models.BinaryField(default=b"")
    # When it is to be opened, or looked at again; None: it was opened, or there is a verdict on it.
    to_open_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "seq"], name="one_item_a_place_in_the_queue")
        ]
        # They hold what waits to be opened, which is next to nothing.
        indexes = [
            models.Index(
                fields=["to_open_at"], name="to_open", condition=models.Q(to_open_at__isnull=False)
            ),
            models.Index(
                fields=["queue"],
                name="to_open_of_queue",
                condition=models.Q(to_open_at__isnull=False),
            ),
        ]

    @property
    def hash(self) -> str:
        """Of what is sealed, in hex digits."""
        return bytes(self.sha256).hex()

    @property
    def attachment_names(self) -> list[str]:
        return named(bytes(self.attachments))


class AskedAgain(models.Model):
    """A place whose item is held while the store lost some of its attachments."""

    terminal = models.ForeignKey(Terminal, models.PROTECT, related_name="+", db_index=False)
    epoch = models.CharField(max_length=64)
    seq = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["terminal", "epoch", "seq"], name="asked_again_once")
        ]


def named(attachments: bytes) -> list[str]:
    """Hashes as hex digits, out of how a row keeps them."""
    return [attachments[at : at + 32].hex() for at in range(0, len(attachments), 32)]


class State(models.TextChoices):
    RECEIVED = "received", "已收件"
    IN_REVIEW = "in_review", "审核中"
    NEEDS_MORE = "needs_more", "待补正"
    GRANTED = "granted", "已通过"
    REFUSED = "refused", "未通过"


class Application(models.Model):
    number = models.CharField("办件编号", max_length=16, primary_key=True)
    received = models.OneToOneField(ReceivedItem, models.PROTECT, related_name="application")
    # Few indexes: every one is paid for by every application that arrives.
    terminal = models.ForeignKey(
        Terminal, models.PROTECT, verbose_name="终端", db_index=False, db_constraint=False
    )
    item = models.CharField("事项", max_length=64)
    item_version = models.CharField("事项版本", max_length=32)
    language = models.CharField("办理语言", max_length=16)
    accepted_at = models.DateTimeField("受理时间")
    received_at = models.DateTimeField("送达时间", db_index=True)
    applicant_name = models.CharField("申请人", max_length=200)
    applicant_number = models.CharField("证件号码", max_length=32)
    agent_name = models.CharField("代办人", max_length=200, blank=True)
    agent_number = models.CharField("代办人证件号码", max_length=32, blank=True)
    earlier_number = models.CharField("上次办件", max_length=16, blank=True)
    state = models.CharField("状态", max_length=16, choices=State.choices, default=State.RECEIVED)
    changed_at = models.DateTimeField("状态时间")

    class Meta:
        verbose_name = "办件"
        verbose_name_plural = "办件"
        ordering = ["-received_at", "number"]
        indexes = [
            models.Index(fields=["applicant_number", "item", "accepted_at"], name="earlier"),
            models.Index(fields=["state", "received_at"], name="desk"),
        ]
        permissions = [("decide_application", "可以审核办件")]

    def __str__(self) -> str:
        return self.number


class Attachment(models.Model):
    """Bytes held whole and sealed in the store, named by the hash of what was sent."""

    sha256 = models.CharField("SHA-256", max_length=64, primary_key=True)
    sealed_bytes = models.BigIntegerField("密文大小（字节）")
    content_sha256 = models.CharField("内容 SHA-256", max_length=64, blank=True)
    bytes = models.BigIntegerField("大小（字节）")  # of the content
    media_type = models.CharField("类型", max_length=64)  # by its first bytes, not by its sender
    fault = models.CharField("未能打开", max_length=32, blank=True)  # a SealFault
    received_at = models.DateTimeField("收到时间")
    terminal = models.ForeignKey(Terminal, models.PROTECT, verbose_name="来自终端")

    class Meta:
        verbose_name = "附件"
        verbose_name_plural = "附件"
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.sha256[:12]}…"


class LaterPapers(models.Model):
    """Materials that were handed in after their application, at whichever terminal."""

    received = models.OneToOneField(
        ReceivedItem, models.PROTECT, primary_key=True, related_name="later_papers"
    )
    number = models.CharField("办件编号", max_length=16, db_index=True)
    # None until the application arrives; whether it is this person's is seen only then.
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, related_name="later_papers", verbose_name="办件"
    )
    handed_in_at = models.DateTimeField("补交时间")
    received_at = models.DateTimeField("送达时间")
    # When somebody who decides first opened the page of the application, with these on it.
    read_at = models.DateTimeField("首次查看时间", null=True)
    # Who was identified, and who stood there for them, if anybody did.
    by_name = models.CharField("交件人", max_length=200)
    by_number = models.CharField("交件人证件号码", max_length=32)
    agent_name = models.CharField("代办人", max_length=200, blank=True)

    class Meta:
        verbose_name = "补交材料"
        verbose_name_plural = "补交材料"
        ordering = ["-handed_in_at", "-received_at"]

    def __str__(self) -> str:
        return self.number


SIGNATURE = "signature"


class Enclosure(models.Model):
    """Which attachment an application, or papers handed in later, name, and as what."""

    application = models.ForeignKey(
        Application, models.PROTECT, null=True, related_name="enclosures"
    )
    papers = models.ForeignKey(
        LaterPapers, models.PROTECT, null=True, related_name="enclosures", db_index=False
    )
    attachment = models.ForeignKey(Attachment, models.PROTECT, related_name="enclosures")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=64)  # the material's, or SIGNATURE
    name = models.CharField(max_length=200, blank=True)
    pages = models.PositiveIntegerField(null=True)
    kept_despite = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["application", "code"], name="one_enclosure_a_code"),
            # It holds those of later papers only: an application's enclosures pay nothing for it.
            models.UniqueConstraint(
                fields=["papers", "code"],
                name="one_later_enclosure_a_code",
                condition=models.Q(papers__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(application__isnull=True) ^ models.Q(papers__isnull=True),
                name="enclosed_once",
            ),
        ]


class StateChange(models.Model):
    """`by` is None where nobody decided: papers came (hub/applications/decisions.py)."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="history")
    from_state = models.CharField(max_length=16, choices=State.choices)
    to_state = models.CharField(max_length=16, choices=State.choices)
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]


class Rating(models.Model):
    received = models.OneToOneField(ReceivedItem, models.PROTECT, related_name="rating")
    number = models.CharField("办件编号", max_length=16, db_index=True)
    # None until the application arrives: it may wait for an attachment while this does not.
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, related_name="ratings", verbose_name="办件"
    )
    level = models.PositiveSmallIntegerField("评价等级")
    reasons = models.CharField(max_length=400, blank=True)  # codes, comma-separated
    channel = models.CharField("评价渠道", max_length=32)
    rated_at = models.DateTimeField("评价时间")

    class Meta:
        verbose_name = "评价"
        verbose_name_plural = "评价"
        ordering = ["-rated_at"]

    def __str__(self) -> str:
        return self.number


class PrintResult(models.Model):
    received = models.OneToOneField(ReceivedItem, models.PROTECT, related_name="print_result")
    number = models.CharField(max_length=16, db_index=True)
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, related_name="print_results"
    )
    result = models.CharField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]


class Outcome(models.TextChoices):
    CONFLICT = "conflict", "内容冲突"
    REFUSED = "refused", "拒收"
    CHAIN = "chain", "队列不连"  # taken, but its place in the queue's chain does not fit


class Verdict(models.Model):
    """What opening showed of an item that was acknowledged: it cannot be taken after all, or, when it
    was opened again (hub/applications/reopening.py), it can. The terminal is told until it says that
    it has kept it; staff see what cannot be taken among what was set aside."""

    received = models.OneToOneField(
        ReceivedItem, models.PROTECT, primary_key=True, related_name="verdict"
    )
    terminal = models.ForeignKey(Terminal, models.PROTECT, related_name="+", db_index=False)
    no = models.BigIntegerField()  # rises with every verdict on an item of this terminal
    result = models.CharField(max_length=16)  # refused, conflict, or accepted in the end
    code = models.CharField(max_length=32)
    text = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["terminal", "no"], name="verdict_no")]


class SetAside(models.Model):
    """An item that was not taken, or not as it should have come. Kept, shown to staff, never
    dropped."""

    terminal = models.ForeignKey(Terminal, models.PROTECT, verbose_name="终端")
    outcome = models.CharField("结果", max_length=16, choices=Outcome.choices)
    code = models.CharField("原因代码", max_length=32)
    text = models.CharField("说明", max_length=300)
    item_id = models.CharField("条目标识", max_length=64, blank=True)
    epoch = models.CharField(max_length=64, blank=True)
    seq = models.BigIntegerField(null=True)
    kind = models.CharField("种类", max_length=24, blank=True)
    sha256 = models.CharField("送来的哈希", max_length=64, blank=True)
    held = models.ForeignKey(
        ReceivedItem, models.PROTECT, null=True, related_name="conflicts", verbose_name="已存条目"
    )
    held_sha256 = models.CharField("已存的哈希", max_length=64, blank=True)
    # The same thing sent again is counted, not stored again.
    fingerprint = models.CharField(max_length=64)
    raw = models.TextField()  # what was sent, as JSON; bytes as base64
    sealed = models.BinaryField(blank=True)  # as sent, for a key that is found again
    first_at = models.DateTimeField("首次收到")
    last_at = models.DateTimeField("最近收到")
    times = models.PositiveIntegerField("次数", default=1)
    handled_at = models.DateTimeField("处理时间", null=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="处理人"
    )

    class Meta:
        verbose_name = "冲突与拒收"
        verbose_name_plural = "冲突与拒收"
        ordering = ["handled_at", "-last_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["terminal", "fingerprint", "outcome", "code"], name="set_aside_once"
            )
        ]
        indexes = [models.Index(fields=["terminal", "epoch", "seq"], name="set_aside_place")]
        permissions = [("handle_setaside", "可以标记已处理")]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.code}"
