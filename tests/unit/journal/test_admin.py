"""The admin shows every table, changes none, and shows no key. In a process of its own: Django is set up once."""

from __future__ import annotations

import subprocess
import sys

from journal_made import ACCOUNT, begun, cycle, fill, funding, intent, order, sqlite_url
from mastertrading.domain.facts import BreakerFacts, CapitalStage, Incident, OperatorCommand
from mastertrading.journal.credentials import Credentials
from mastertrading.journal.opening import open_journal
from mastertrading.journal.vault import ApiKeys, Kek, Keyring

LOOK = """
import sys
from mastertrading.journal.connecting import parse
from mastertrading.settings.orm import configure
address = parse(sys.argv[1])
configure(web=True, databases={"default": address.options}, secret_key="only here", hosts=("testserver",))
from mastertrading.journal.versions import migrate
migrate("default", address, web=True)
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from mastertrading.journal.admin import SHOWN
from mastertrading.journal import models
assert set(SHOWN) == {getattr(models, name) for name in models.__all__}
client = Client()
assert client.get("/admin/journal/fill/").status_code == 302
User.objects.create_superuser("root", password="x" * 12)
assert client.login(username="root", password="x" * 12)
for model in SHOWN:
    place = f"/admin/journal/{model._meta.model_name}/"
    page = client.get(place)
    assert page.status_code == 200, (place, page.status_code)
    assert client.get(place + "add/").status_code == 403, place
    row = model.objects.first()
    assert row is not None or model in (models.Adjustment, models.Latch), place
    if row is not None:
        one = client.get(f"{place}{row.pk}/change/")
        assert one.status_code == 200, place
        assert client.post(f"{place}{row.pk}/change/", {}).status_code == 403, place
        assert client.post(f"{place}{row.pk}/delete/", {"post": "yes"}).status_code == 403, place
        for page in (page, one):
            assert b"canary" not in page.content and b"wrapped" not in page.content, place
print("looked at", len(SHOWN))
"""


def test_the_admin_shows_every_table_and_changes_none(tmp_path):
    url = sqlite_url(tmp_path / "j.db")
    journal = begun(open_journal(url, account=ACCOUNT, create=True))
    journal.commit_cycle(cycle(60_000, intents=(intent(),), fills=(fill(1, 1, "0.003", "50000"),)), 60_100)
    journal.book_payment(funding(1, "0.1", 1), at_ms=1)
    journal.observe(order("web_1"), at_ms=1)
    journal.set_breaker(BreakerFacts("day", 1, 0.1, 1))
    journal.report(Incident("x", "<img src=x onerror=alert(1)>", 1))
    journal.request(OperatorCommand("op", "pause", "me", 1))
    journal.enter_stage(CapitalStage(0, "paper", 0))
    keyring = Keyring(Kek("k1", b"k" * 32))
    Credentials(journal.store, keyring).keep(ACCOUNT, ApiKeys("canary-key-of-length", "canary", "canary"), 1)
    journal.close()
    done = subprocess.run([sys.executable, "-c", LOOK, url], capture_output=True, text=True, check=False)
    assert done.stdout == "looked at 23\n", done.stderr[-2000:]
    again = open_journal(url, account=ACCOUNT)
    again.verify()
    again.close()
