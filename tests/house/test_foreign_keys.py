"""Foreign keys, string ones too, point down the order of the chapters: what imports cannot show."""

from django.apps import apps

ORDER = ["people", "calls", "compute", "catalogue", "exchange"]


def links():
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields():
            if field.is_relation and field.concrete and field.related_model is not None:
                yield model._meta.app_label, field, field.related_model._meta.app_label


def test_every_foreign_key_points_down_or_sideways() -> None:
    own = [(here, field, there) for here, field, there in links() if here in ORDER and there in ORDER]
    upward = [str(field) for here, field, there in own if ORDER.index(there) > ORDER.index(here)]

    assert upward == []
    assert len(own) > 20  # the walk really saw the tables


def test_every_foreign_key_protects_what_it_points_to() -> None:
    deleting = [
        str(field)
        for here, field, _ in links()
        if here in ORDER and field.many_to_one and field.remote_field.on_delete.__name__ != "PROTECT"
    ]

    assert deleting == []
