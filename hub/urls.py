"""Three doors: /api/v1/ for terminals, /staff/ for people, /p/ for a citizen's phone."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import path, re_path
from django.views.generic import RedirectView

from hub.api.routes import build_api
from hub.pickups import views as pickups
from hub.pickups.keeping import NAME_PATTERN

urlpatterns = [
    path("api/v1/", build_api().urls),
    path("staff/", admin.site.urls),
    re_path(rf"^p/(?P<name>{NAME_PATTERN})$", pickups.page),
    re_path(rf"^p/(?P<name>{NAME_PATTERN})/content$", pickups.content),
    path("favicon.ico", RedirectView.as_view(url="/static/staff/favicon.svg")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    # The staff site's few files, without a second web server to set up in a township.
    re_path(r"^static/(?P<path>.*)$", serve_static, {"insecure": True}),
]
