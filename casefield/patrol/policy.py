"""Who may use which page of patrol."""

from casefield.core.policy import LEADING, MANAGING, ON_SITE, Policy

POLICY: Policy = {
    "patrol.day_view": ON_SITE,
    "patrol.round_view": ON_SITE,
    "patrol.round_close": ON_SITE,
    "patrol.round_hand_over": ON_SITE,
    "patrol.extra_begin": ON_SITE,
    "patrol.stop_view": ON_SITE,
    "patrol.check_in_create": ON_SITE,
    "patrol.stop_skip": ON_SITE,
    "patrol.check_in_view": ON_SITE,
    # the maker before the round closes, management afterwards: see the view's rule
    "patrol.check_in_correct": ON_SITE,
    "patrol.check_in_list": ON_SITE,
    "patrol.note_new": ON_SITE,
    # observations of posts are shown to management alone: see the view's rule
    "patrol.note_list": ON_SITE,
    "patrol.omission_list": LEADING,
    "patrol.miss_close": LEADING,
    "patrol.figures_view": LEADING,
    "patrol.sheet_list": LEADING,
    "patrol.sheet_view": LEADING,
    "patrol.sheet_pdf": LEADING,
    "patrol.sheet_print": LEADING,
    "patrol.sheet_blank": LEADING,
    "patrol.route_list": MANAGING,
    "patrol.route_new": MANAGING,
    "patrol.route_edit": MANAGING,
    "patrol.route_retire": MANAGING,
    "patrol.plan_new": MANAGING,
    "patrol.plan_edit": MANAGING,
    "patrol.plan_end": MANAGING,
    "patrol.checkpoint_new": MANAGING,
    "patrol.checkpoint_edit": MANAGING,
}
