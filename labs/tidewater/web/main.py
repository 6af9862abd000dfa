"""The page passengers see, and its API: asks timetable for sailings and booking for a place on one."""

import os
from html import escape

from shared.service import Answer, Request, Service

TIMETABLE_URL = os.environ.get("TIMETABLE_URL", "http://timetable")
BOOKING_URL = os.environ.get("BOOKING_URL", "http://booking")
# Read once, when the process starts, as most programs do: a changed ConfigMap alone changes nothing here.
NOTICE = os.environ.get("NOTICE", "")

PAGE = """<!doctype html>
<html lang="en">
<title>Tidewater Ferries</title>
<style>
  body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; color: #0b2a3c }}
  .notice {{ border-left: .3rem solid #b35900; padding-left: .8rem }}
  td, th {{ padding: .2rem 1.2rem .2rem 0; text-align: left }}
</style>
<h1>Tidewater Ferries</h1>
<p class="notice">{notice}</p>
<table><thead><tr><th>Sails at</th><th>From</th><th>To</th></tr></thead><tbody id="sailings"></tbody></table>
<p id="said" role="status"></p>
<script>
  const said = document.getElementById("said");
  async function book(sailing) {{
    const answer = await fetch("/api/bookings", {{ method: "POST", body: JSON.stringify({{ sailing }}) }});
    const booking = await answer.json();
    said.textContent = answer.ok ? `Booked: ${{booking.reference}}` : `Not booked: ${{booking.error}}`;
  }}
  fetch("/api/sailings").then((answer) => answer.json()).then(({{ sailings, error }}) => {{
    if (error) {{ said.textContent = error; return; }}
    for (const {{ id, at, from, to }} of sailings) {{
      const row = document.getElementById("sailings").insertRow();
      for (const text of [at, from, to]) row.insertCell().textContent = text;
      const button = row.insertCell().appendChild(document.createElement("button"));
      button.textContent = `Book ${{id}}`;
      button.onclick = () => book(id);
    }}
  }});
</script>
</html>
"""

service = Service("web")


@service.route("GET", "/")
def page(request: Request) -> Answer:
    """Return the page."""
    return Answer(200, PAGE.format(notice=escape(NOTICE)), "text/html; charset=utf-8")


@service.route("GET", "/api/sailings")
def sailings(request: Request) -> Answer:
    """Return today's sailings and the notice to passengers."""
    return Answer(200, {**service.call(request, TIMETABLE_URL, "/sailings"), "notice": NOTICE})


@service.route("POST", "/api/bookings")
def book(request: Request) -> Answer:
    """Book a place: ``{"sailing": "T1"}``."""
    return Answer(201, service.call(request, BOOKING_URL, "/bookings", request.json(), timeout=3.0))


if __name__ == "__main__":
    service.run()
