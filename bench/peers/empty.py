"""The emptiest page that Flask can serve."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def nothing() -> str:
    """Answer one word."""
    return "ok"
