"""What questions need: the settings of each process, what the gates of a decision compared, commands by their bar."""

from django.db import migrations, models

import mastertrading.journal.fields


class Migration(migrations.Migration):
    """After the guards."""

    dependencies = (("journal", "0002_guards"),)
    operations = (
        migrations.AddField("run", "config", models.TextField(blank=True, default="")),
        migrations.AddField("decision", "close", mastertrading.journal.fields.ExactDecimalField(null=True)),
        migrations.AddField("decision", "htf_adx", models.FloatField(null=True)),
        migrations.AddField("decision", "volatility", models.FloatField(null=True)),
        migrations.AddIndex(
            "command", models.Index(fields=["account", "bar_ms"], name="journal_command_bar")
        ),
    )
