"""The newest allocations are found without sorting all of them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0006_alerts_and_extensions'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='allocation',
            index=models.Index(fields=['-opened_at', '-id'], name='allocations_newest_first'),
        ),
    ]
