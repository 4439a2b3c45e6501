"""Persons judge a random sample of findings."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('catalogue', '0003_dataset_summaries'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SampledFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=64)),
                ('rank', models.PositiveIntegerField(help_text='place in the random order of its kind, from 1')),
                ('document', models.CharField(max_length=1000)),
                ('start', models.PositiveIntegerField()),
                ('end', models.PositiveIntegerField()),
                ('tier', models.PositiveSmallIntegerField()),
                ('country', models.CharField(blank=True, max_length=2)),
                ('digest', models.CharField(help_text="keyed digest of the value; the key is the organisation's", max_length=80)),
                ('is_true', models.BooleanField(blank=True, help_text='None until a person has judged it', null=True)),
                ('judged_at', models.DateTimeField(blank=True, null=True)),
                ('judged_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sample', to='catalogue.datasetversion')),
            ],
            options={
                'ordering': ('version', 'kind', 'rank'),
                'constraints': [models.UniqueConstraint(fields=('version', 'kind', 'rank'), name='one_sampled_finding_of_a_rank'), models.CheckConstraint(condition=models.Q(models.Q(('is_true__isnull', True), ('judged_at__isnull', True)), models.Q(('is_true__isnull', False), ('judged_at__isnull', False), ('judged_by__isnull', False)), _connector='OR'), name='judgement_has_person_and_moment')],
            },
        ),
    ]
