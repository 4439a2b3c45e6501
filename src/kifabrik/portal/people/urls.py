"""Addresses of the pages of this chapter."""

from django.urls import path

from kifabrik.portal.people.views import profiles, sign_ins

app_name = "people"
urlpatterns = [
    path("sign-in/", sign_ins.show_sign_in, name="sign-in"),
    path("sign-out/", sign_ins.sign_out, name="sign-out"),
    path("profile/", profiles.show_profile, name="profile"),
    path("profile/tokens/<str:token_id>/revoke/", profiles.revoke_token, name="token-revoke"),
]
