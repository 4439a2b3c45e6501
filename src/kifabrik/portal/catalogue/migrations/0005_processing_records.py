"""Organisations declare how they process personal data in a dataset."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('catalogue', '0004_sampled_findings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ProcessingRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('none', 'none'), ('controller', 'controller'), ('processor', 'processor'), ('unknown', 'unknown')], default='unknown', max_length=10)),
                ('legal_basis', models.CharField(blank=True, max_length=200)),
                ('purpose', models.TextField(blank=True)),
                ('retention_until', models.DateField(blank=True, null=True)),
                ('special_categories', models.CharField(choices=[('none', 'none'), ('present', 'present'), ('unknown', 'unknown')], default='unknown', max_length=8)),
                ('circumstances', models.JSONField(default=list, help_text='codes of criteria of WP 248 that the organisation declares')),
                ('assessment', models.CharField(choices=[('open', 'open'), ('done', 'done'), ('not-needed', 'not-needed')], default='open', max_length=10)),
                ('assessment_note', models.CharField(blank=True, max_length=500)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='processing_records', to='catalogue.dataset')),
            ],
            options={
                'ordering': ('dataset', '-id'),
            },
        ),
    ]
