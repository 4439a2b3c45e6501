"""Searches for a person's values and what was decided are kept."""

import functools

import django.db.models.deletion
import kifabrik.core.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('catalogue', '0005_processing_records'),
        ('people', '0002_sign_in_failures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ErasureRequest',
            fields=[
                ('id', models.CharField(default=functools.partial(kifabrik.core.ids.new_id, *('erase',), **{}), editable=False, max_length=40, primary_key=True, serialize=False)),
                ('reference', models.CharField(help_text="the organisation's own file number, never a name", max_length=120)),
                ('received_on', models.DateField()),
                ('key_id', models.CharField(help_text='names the key under which the digests were made', max_length=80)),
                ('digests', models.JSONField(help_text="keyed digests of the person's values")),
                ('found', models.JSONField(help_text='queries.erasure.Places as it was at the search')),
                ('at', models.DateTimeField()),
                ('decision', models.TextField(blank=True)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='erasure_requests', to='people.organisation')),
            ],
            options={
                'ordering': ('-at', 'id'),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decision', '')), models.Q(models.Q(('decision', ''), _negated=True), ('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='erasure_decision_has_person_and_moment')],
            },
        ),
    ]
