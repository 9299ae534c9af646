import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bookings.settings")
application = get_wsgi_application()

# The address table is read at the first request otherwise. Here it is done before the first worker forks.
import bookings.urls  # noqa: E402, F401
