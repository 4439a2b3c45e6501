"""Posts name what used the time, so that they can grow; time can be handed back; a usage may be about a running job."""

import kifabrik.ledger.transfers
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compute', '0001_initial'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='ledgertransfer',
            name='known_transfer_kind',
        ),
        migrations.AddField(
            model_name='ledgertransfer',
            name='subject',
            field=models.CharField(blank=True, db_index=True, help_text='what used the time of a post: <run>:<attempt>, or a job', max_length=160),
        ),
        migrations.AddField(
            model_name='usage',
            name='is_final',
            field=models.BooleanField(default=True),
        ),
        migrations.AlterField(
            model_name='ledgertransfer',
            name='kind',
            field=models.CharField(choices=[(kifabrik.ledger.transfers.TransferKind['GRANT'], kifabrik.ledger.transfers.TransferKind['GRANT']), (kifabrik.ledger.transfers.TransferKind['RESERVE'], kifabrik.ledger.transfers.TransferKind['RESERVE']), (kifabrik.ledger.transfers.TransferKind['POST'], kifabrik.ledger.transfers.TransferKind['POST']), (kifabrik.ledger.transfers.TransferKind['VOID'], kifabrik.ledger.transfers.TransferKind['VOID']), (kifabrik.ledger.transfers.TransferKind['EXPIRE'], kifabrik.ledger.transfers.TransferKind['EXPIRE']), (kifabrik.ledger.transfers.TransferKind['RETURN'], kifabrik.ledger.transfers.TransferKind['RETURN'])], max_length=8),
        ),
        migrations.AlterField(
            model_name='usage',
            name='gpu_seconds',
            field=models.BigIntegerField(help_text="as reported, in seconds of the scheduler's devices"),
        ),
        migrations.AddConstraint(
            model_name='ledgertransfer',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['grant', 'reserve', 'post', 'void', 'expire', 'return'])), name='known_transfer_kind'),
        ),
    ]
