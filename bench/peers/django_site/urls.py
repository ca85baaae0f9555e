"""The addresses of the peer."""

from django.urls import path

from bench.peers.django_site import views

urlpatterns = [
    path("", views.ready),
    path("check-ins", views.check_ins),
    path("check-in", views.check_in),
]
