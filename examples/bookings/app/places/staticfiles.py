from whitenoise.storage import CompressedManifestStaticFilesStorage

from bookings.version import VERSION


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Static files under hashed names, in a folder that all versions share.

    Each version has a list of its own, so that after a rollback the pages still name their own files.
    """

    manifest_name = f"staticfiles-{VERSION}.json"
