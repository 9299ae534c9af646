from bookings.version import VERSION


def version_header(get_response):
    """Says in every answer which version gave it."""

    def middleware(request):
        response = get_response(request)
        response["X-App-Version"] = VERSION
        return response

    return middleware
