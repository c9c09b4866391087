from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0005_later_papers")]

    operations = [
        migrations.AddField(
            model_name="laterpapers",
            name="read_at",
            field=models.DateTimeField(null=True, verbose_name="首次查看时间"),
        ),
    ]
