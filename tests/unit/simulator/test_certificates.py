"""The throw-away authority: whole or made anew, and told apart from a taken port where it can't be written."""

from __future__ import annotations

import pytest

from mastertrading.domain.errors import OutputError
from mastertrading.simulator.certificates import certificates


def test_certificates_that_are_whole_are_kept(tmp_path):
    before = certificates(tmp_path).ca.read_bytes()
    assert certificates(tmp_path).ca.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "expired.pem", "server.pem"]


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "expired.pem"])
@pytest.mark.parametrize("left", [b"", b"-----BEGIN CERTIFICATE-----\nMII"])
def test_what_a_full_disk_or_a_kill_left_behind_is_made_anew(name, left, tmp_path):
    certificates(tmp_path)
    (tmp_path / name).write_bytes(left)
    made = certificates(tmp_path)
    made.server_context()
    made.server_context(expired=True)
    made.client_context()


def test_a_certificate_of_another_authority_is_made_anew(tmp_path):
    mine, other = certificates(tmp_path / "mine"), certificates(tmp_path / "other")
    mine.leaf.write_bytes(other.leaf.read_bytes())
    foreign = other.leaf.read_bytes()
    assert certificates(tmp_path / "mine").leaf.read_bytes() != foreign


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="certificates can't be written") as raised:
        certificates(file)
    assert raised.value.where == str(file)
