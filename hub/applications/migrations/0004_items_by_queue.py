"""An item names its queue by a number, and its hash is bytes: what it takes to keep one."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

_QUEUES = (
    "UPDATE applications_receiveditem SET queue_id = (SELECT q.id FROM applications_queue q"
    " WHERE q.terminal_id = applications_receiveditem.terminal_id"
    " AND q.epoch = applications_receiveditem.epoch)"
)


def _hashes_as_bytes(apps: Any, editor: Any) -> None:
    connection = editor.connection
    if connection.vendor == "postgresql":
        turned = "decode(sha256_hex, 'hex')"
    else:
        connection.ensure_connection()
        connection.connection.create_function("from_hex", 1, bytes.fromhex)
        turned = "from_hex(sha256_hex)"
    editor.execute(f"UPDATE applications_receiveditem SET sha256 = {turned}")  # noqa: S608 (one of the two above)


class Migration(migrations.Migration):
    dependencies = [("applications", "0003_asked_again")]

    operations = [
        migrations.AddField(
            model_name="receiveditem",
            name="queue",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="applications.queue",
            ),
        ),
        # Back again only while nothing is held: a row's terminal could not be null.
        migrations.RunSQL(_QUEUES, migrations.RunSQL.noop),
        migrations.RemoveConstraint("receiveditem", "one_item_a_place_in_the_queue"),
        migrations.RemoveIndex("receiveditem", "to_open_by_key"),
        migrations.RemoveField("receiveditem", "terminal"),
        migrations.RemoveField("receiveditem", "epoch"),
        migrations.AlterField(
            model_name="receiveditem",
            name="queue",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="applications.queue",
            ),
        ),
        migrations.RenameField("receiveditem", "sha256", "sha256_hex"),
        migrations.AddField(
            model_name="receiveditem",
            name="sha256",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        migrations.RunPython(_hashes_as_bytes, migrations.RunPython.noop),
        migrations.RemoveField("receiveditem", "sha256_hex"),
        migrations.AddConstraint(
            "receiveditem",
            models.UniqueConstraint(fields=("queue", "seq"), name="one_item_a_place_in_the_queue"),
        ),
        migrations.AddIndex(
            "receiveditem",
            models.Index(
                fields=["queue"],
                name="to_open_of_queue",
                condition=models.Q(("to_open_at__isnull", False)),
            ),
        ),
    ]
