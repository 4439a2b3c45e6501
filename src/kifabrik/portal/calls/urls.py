"""Addresses of the pages of this chapter."""

from django.urls import path

from kifabrik.portal.calls.views import awards, calls, drafts, proposals

app_name = "calls"
urlpatterns = [
    path("calls/", calls.list_calls, name="calls"),
    path("calls/new/", calls.new_call, name="new-call"),
    path("calls/<slug:call_id>/", calls.show_call, name="call"),
    path("calls/<slug:call_id>/close/", calls.close_call, name="close-call"),
    path("proposals/", proposals.list_proposals, name="proposals"),
    path("proposals/new/", drafts.new_proposal, name="new-proposal"),
    path("proposals/<str:proposal_id>/", proposals.show_proposal, name="proposal"),
    path("proposals/<str:proposal_id>/edit/", drafts.edit_proposal, name="edit-proposal"),
    path("proposals/<str:proposal_id>/autosave/", drafts.autosave, name="autosave"),
    path("proposals/<str:proposal_id>/estimate/", drafts.show_estimate, name="estimate"),
    path("proposals/<str:proposal_id>/withdraw/", proposals.withdraw, name="withdraw"),
    path("proposals/<str:proposal_id>/copy/", proposals.copy, name="copy"),
    path("proposals/<str:proposal_id>/technical-check/", proposals.check_technically, name="technical-check"),
    path("proposals/<str:proposal_id>/decide/", proposals.decide, name="decide"),
    path("awards/", awards.list_awards, name="awards"),
    path("awards/<str:award_id>/", awards.show_award, name="award"),
]
