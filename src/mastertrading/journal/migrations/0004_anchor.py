"""Where the bars begin that the signals of a process heard: a restart begins there, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """After the answers."""

    dependencies = (("journal", "0003_answers"),)
    operations = (migrations.AddField("run", "anchor_ms", models.BigIntegerField(default=0)),)
