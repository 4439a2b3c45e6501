"""Addresses of the pages of this chapter."""

from django.urls import path

from kifabrik.portal.people.views import audit, organisations, passwords, people, profiles, sign_ins

app_name = "people"
urlpatterns = [
    path("sign-in/", sign_ins.show_sign_in, name="sign-in"),
    path("sign-out/", sign_ins.sign_out, name="sign-out"),
    path("welcome/<str:key>/<str:token>/", passwords.welcome, name="welcome"),
    path("profile/", profiles.show_profile, name="profile"),
    path("profile/password/", passwords.change_password, name="password"),
    path("profile/tokens/<str:token_id>/revoke/", profiles.revoke_token, name="token-revoke"),
    path("organisations/", organisations.list_organisations, name="organisations"),
    path("organisations/new/", organisations.make_organisation, name="organisation-new"),
    path("organisations/<str:organisation_id>/", organisations.show_organisation, name="organisation"),
    path(
        "organisations/<str:organisation_id>/members/<str:user_id>/change/",
        organisations.change_member,
        name="member-change",
    ),
    path(
        "organisations/<str:organisation_id>/members/<str:user_id>/remove/",
        organisations.remove_member,
        name="member-remove",
    ),
    path("people/", people.show_people, name="people"),
    path("people/<str:person_id>/active/", people.set_active, name="person-active"),
    path("people/roles/<int:assignment_id>/withdraw/", people.withdraw_role, name="role-withdraw"),
    path("audit/", audit.show_log, name="audit"),
]
