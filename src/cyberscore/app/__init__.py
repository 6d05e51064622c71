"""An HTTP service in FastAPI over the library, to run or to copy from: ``uvicorn --factory cyberscore.app:create_app``.

Needs the extra `app`.
"""

from cyberscore.exceptions import MissingExtraError

try:
    import fastapi  # noqa: F401  asked for here, so that the error names the remedy
except ImportError as error:
    raise MissingExtraError('cyberscore.app needs FastAPI: pip install "cyberscore[app]"') from error

from cyberscore.app.requests import LARGEST_BODY
from cyberscore.app.service import create_app

__all__ = ["LARGEST_BODY", "create_app"]
