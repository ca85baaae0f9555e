"""Writes of people: posts and shifts, staff, the rota and closed days."""

from casefield.people.services.posts import (
    add_shift,
    change_post,
    change_shift,
    restore_shift,
    retire_shift,
    seed_posts,
)
from casefield.people.services.rota import (
    close_day,
    copy_week,
    open_day,
    plan_shift,
    remove_shift,
    stand_in,
)
from casefield.people.services.staff import (
    add_person,
    change_person,
    change_role,
    end_post,
    give_post,
    leave,
    rejoin,
)

__all__ = [
    "add_person",
    "add_shift",
    "change_person",
    "change_post",
    "change_role",
    "change_shift",
    "close_day",
    "copy_week",
    "end_post",
    "give_post",
    "leave",
    "open_day",
    "plan_shift",
    "rejoin",
    "remove_shift",
    "restore_shift",
    "retire_shift",
    "seed_posts",
    "stand_in",
]
