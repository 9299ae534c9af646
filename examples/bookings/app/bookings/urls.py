from django.conf import settings
from django.urls import path, re_path
from django.views.static import serve

from places import api, health, views

urlpatterns = [
    path("", views.index, name="index"),
    path("book/", views.book, name="book"),
    path("bookings/<str:key>/", views.booking, name="booking"),
    path("bookings/<str:key>/check-in/", views.check_in, name="check_in"),
    path("api/bookings/", api.bookings),
    path("api/bookings/<str:key>/", api.booking),
    path("api/stats/", api.stats),
    path("version/", api.version),
    path("slow/", api.report),
    path("healthz/", health.healthz),
    # WhiteNoise serves the files that were there when this process started. While two versions answer,
    # a page of the newer one may ask the older one for a file that came later.
    re_path(r"^static/(?P<path>.+)$", serve, {"document_root": settings.STATIC_ROOT}),
]
