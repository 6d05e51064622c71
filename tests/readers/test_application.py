"""Application forms: what an answer stands for, how questions are recognised, and that nothing is guessed."""

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberscore import readers
from cyberscore.exceptions import ReadingError
from cyberscore.profile.signals import signal
from cyberscore.readers import answers, application
from cyberscore.readers.documents import encoding_of

SAMPLES = Path(__file__).parents[1] / "data" / "readers" / "application"
DAY = "2026-10-15"
QUESTIONS = {one.id: one for one in answers.questions()}
RATED = [one for one in answers.questions() if one.signal]


def values(reading):
    return {one.signal: one.value for one in reading.observations}


def form(**given):
    return application.read(json.dumps(given).encode(), observed_at=DAY)


def test_golden_template_filled_in():
    found = application.read(SAMPLES / "filled_template.csv")
    assert found.observed_at.date() == date(2026, 10, 15)
    assert {one.source for one in found.observations} == {"attestation"}
    assert values(found) == {
        "mfa_remote_coverage": 1.0,
        "mfa_email_coverage": 0.8,
        "mfa_admin_coverage": 0.0,
        "privileged_access_level": 1,  # separate accounts, no vault
        "edge_vpn_class": "other",
        "critical_patch_median_days": 30.0,
        "patch_14d_rate": 0.6,
        "end_of_life_share": 0.05,  # "yes" to a bad thing
        "edr_coverage": 1.0,
        "mdr_24x7": 0,
        "mail_filter_tier": 1,
        "payment_verification": "dual_approval_and_callback",
        "training_age_days": None,  # the date tells
        "backup_isolation": "offsite",
        "backup_coverage": 1.0,
        "restore_test_age_days": "never",
        "incident_response_test_age_days": 183,
        "prior_incidents_24m": 0,
        "critical_saas_dependencies": 6,
    }
    trained = next(one for one in found.observations if one.signal == "training_age_days")
    assert trained.occurred_at == date(2026, 3, 2)
    # Left blank or not known: said, not guessed.
    (left,) = found.not_mapped
    assert (left.why, set(left.what)) == (
        "question that is not answered", {"admin_just_in_time", "central_logs", "hardening"},
    )  # fmt: skip


def test_golden_chinese_form():
    found = application.read(SAMPLES / "zh.json")
    assert found.observed_at.date() == date(2026, 10, 15)
    assert values(found) == {
        "mfa_remote_coverage": 1.0,
        "mfa_email_coverage": 0.0,
        "payment_verification": "none",  # a call back without a second person is not the ladder's second step
        "backup_isolation": "offline_or_immutable",
        "edr_coverage": 0.9,
        "restore_test_age_days": None,
    }
    assert {name for one in found.not_mapped for name in one.what} >= {"公司名称", "8"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_template_is_a_form_that_reads_back(language):
    blank = application.template(language=language)
    rows = list(csv.reader(io.StringIO(blank)))
    assert [row[0] for row in rows[2:]] == [one.id for one in RATED]
    assert readers.detect(blank.encode()) == "application"
    assert not application.read(blank.encode(), observed_at=DAY).observations
    for row in rows[1:]:
        row[0] = ""  # the wording alone is enough
        row[2] = "2026-10-01" if "date of signature" in row[1].lower() or "签署" in row[1] else "no"
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    found = application.read(text.getvalue().encode())
    assert found.scope["said"]["no"] == len(RATED) - 2  # all but the two that want a number
    assert found.observed_at.date() == date(2026, 10, 1)


def test_every_question_is_of_a_signal_that_takes_attestations():
    assert all("attestation" in signal(one.signal).sources for one in RATED)
    attested = {name for name, one in readers_signals().items() if "attestation" in one.sources and not one.is_context}
    assert attested <= {one.signal for one in RATED}


def readers_signals():
    from cyberscore.profile import signals

    return signals()


GOOD_WHEN_NO = {"end_of_life", "prior_incidents", "high_risk_vpn"}


@pytest.mark.parametrize("question", [one for one in RATED if one.no is not None], ids=lambda one: one.id)
def test_no_is_adverse_and_yes_is_not_or_the_other_way_round(question):
    about = signal(question.signal)
    no, yes = about.code(question.no), about.code(question.yes)
    if question.id in GOOD_WHEN_NO:
        assert no <= about.unknown < yes
    else:
        assert yes <= about.unknown < no


@pytest.mark.parametrize("said", ["yes", "Y", "TRUE", "1", "ja", "是", "有", "✓", "Yes.", " yes "])
def test_yes_in_several_languages(said):
    assert values(form(mfa_email=said)) == {"mfa_email_coverage": 1.0}


@pytest.mark.parametrize(
    "said",
    ["no", "N", "false", "0", "nein", "否", "没有", "No.", "not yet", "Not yet implemented.", "noch nicht", "尚未",
     "暂无", "No - planned for 2027", "No, but planned", "no; scheduled", "no (in progress)", "No, todavía no",
     "Nein, geplant für 2027", "否,计划明年实施"],
)  # fmt: skip
def test_no_in_several_languages(said):
    assert values(form(mfa_email=said)) == {"mfa_email_coverage": 0.0}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"mfa_email": True}, {"mfa_email_coverage": 1.0}),
        ({"mfa_email": 0.35}, {"mfa_email_coverage": 0.35}),
        ({"mfa_email": "35"}, {"mfa_email_coverage": 0.35}),
        ({"mfa_email": "85.5 percent"}, {"mfa_email_coverage": 0.855}),
        ({"mfa_email": "８０％"}, {"mfa_email_coverage": 0.8}),  # noqa: RUF001  full width
        ({"mfa_remote": "N/A"}, {"mfa_remote_coverage": "not_applicable"}),
        ({"dual_approval": "n/a", "callback": "n/a"}, {"payment_verification": "not_applicable"}),
        ({"critical_patch_days": "within 2 weeks"}, {"critical_patch_median_days": 14}),
        ({"critical_patch_days": 1}, {"critical_patch_median_days": 1}),
        ({"central_logs": "12 months"}, {"central_log_days": 360}),
        ({"central_logs": "7 years"}, {"central_log_days": 365}),
        ({"prior_incidents": "2"}, {"prior_incidents_24m": 2}),
        ({"prior_incidents": "yes"}, {"prior_incidents_24m": 1}),
        ({"training": "90天前"}, {"training_age_days": 90}),
        ({"callback": "yes", "dual_approval": "yes"}, {"payment_verification": "dual_approval_and_callback"}),
        ({"callback": "no", "dual_approval": "yes"}, {"payment_verification": "dual_approval"}),
        ({"backup_offsite": "no", "backup_offline": "no"}, {"backup_isolation": "none"}),
        ({"backup_offsite": "no", "backup_offline": "yes"}, {"backup_isolation": "offline_or_immutable"}),
        ({"admin_just_in_time": "yes"}, {"privileged_access_level": 3}),
    ],
)
def test_what_an_answer_stands_for(given, expected):
    assert values(form(**given)) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"mfa_email": "partially"}, {"mfa_email": "n/a"}, {"mfa_email": "180%"}, {"mfa_email": "-5%"}, {"edr": "most"},
        {"critical_patch_days": "yes"}, {"prior_incidents": "many"}, {"training": "soon"}, {"mfa_email": ["yes", "no"]},
        {"callback": "yes"}, {"backup_offline": "no"}, {"mdr": "50%"}, {"mfa_email": "1e999"},
        {"prior_incidents": "1.000"}, {"critical_suppliers": "2.500"}, {"critical_patch_days": "1.095"},
        {"critical_patch_days": "1.200 days"}, {"training": "1.095 days ago"}, {"restore_test": "12.000 days"},
        {"critical_suppliers": "1,000"},
        {"prior_incidents": "9" * 40}, {"critical_patch_days": "9" * 40}, {"critical_suppliers": "²⁵" * 9},
    ],
)  # fmt: skip
def test_what_is_unclear_is_reported_and_not_guessed(given):
    found = form(**given, prior_incidents="0") if "prior_incidents" not in given else form(**given)
    assert set(values(found)) <= {"prior_incidents_24m"}
    assert found.not_mapped


@pytest.mark.parametrize(
    "wording",
    [
        "MFA for remote access",
        "3. mfa for REMOTE access?",
        "Q3) MFA  for remote-access",
        "MFA_remote_access",
        "3.2 MFA for remote access",
    ],
)
def test_wordings_are_compared_without_case_punctuation_and_numbers(wording):
    assert values(form(**{wording: "yes", "edr": "no"})) == {"mfa_remote_coverage": 1.0, "edr_coverage": 0.0}


def test_a_near_miss_is_not_a_match():
    found = form(**{"Is MFA required for some remote access?": "yes", "edr": "no"})
    assert "mfa_remote_coverage" not in values(found)
    assert any("some remote" in name for one in found.not_mapped for name in one.what)


def test_shapes_of_files_read_alike():
    expected = {"mfa_email_coverage": 1.0, "edr_coverage": 0.0, "mdr_24x7": 1}
    said = {"mfa_email": "yes", "edr": "no", "mdr": "yes"}
    listed = [{"question": QUESTIONS[key].text, "answer": value} for key, value in said.items()]
    files = [
        said,
        {"signed_on": DAY, "answers": said},
        {"sections": [{"title": "A", "questions": listed[:1]}, {"title": "B", "questions": listed[1:]}]},
        listed,
        [{"id": key, "response": value} for key, value in said.items()],
    ]
    tables = [
        "Question;Answer\n" + "".join(f'"{QUESTIONS[key].text}";{value}\n' for key, value in said.items()),
        "No.,Question,Response,Comment\n" + "".join(f'1,"{QUESTIONS[k].text}",{v},x\n' for k, v in said.items()),
        "".join(f"{key},{value}\n" for key, value in said.items()),
        "Cyber application 2026\n\nid,answer\n" + "".join(f"{key},{value}\n" for key, value in said.items()),
    ]
    for data in [json.dumps(one).encode() for one in files] + [one.encode() for one in tables]:
        assert readers.detect(data) == "application", data[:80]
        assert values(readers.read(data, observed_at=DAY)) == expected, data[:80]


@pytest.mark.parametrize("heads", [("Yes", "No"), ("No", "Yes")])
def test_boxes_under_yes_and_no_are_read_by_their_heading(heads):
    rows = [("edr", "Yes"), ("mfa_email", "No"), ("mfa_remote", ""), ("backup_offsite", "Yes No")]
    lines = [",".join(["Question", *heads])]
    lines += [",".join([key, *("x" if one in said.split() else "" for one in heads)]) for key, said in rows]
    data = "\n".join(lines).encode()
    assert readers.detect(data) == "application"
    found = application.read(data, observed_at="2026-11-01")
    assert values(found) == {"edr_coverage": 1.0, "mfa_email_coverage": 0.0}
    assert found.scope["said"]["unclear"] == found.scope["said"]["open"] == 1


def test_a_table_with_a_column_a_question_is_one_firm_or_refused():
    head = "ID,Completion time,Name,Do you require MFA for remote access?,Do you require MFA for email?,Do you use EDR?"
    row = "1,11/3/2026 10:12,Ann,Yes,No,Y"
    found = readers.read(f"{head}\n{row}\n".encode())
    assert values(found) == {"mfa_remote_coverage": 1.0, "mfa_email_coverage": 0.0, "edr_coverage": 1.0}
    assert found.observed_at.date().isoformat() == "2026-11-03"
    with pytest.raises(ReadingError, match="answers of 2 forms"):
        readers.read(f"{head}\n{row}\n{row}\n".encode())


@pytest.mark.parametrize("head", ["Item,Applicant's response,Comments", "Control question;Your answer;Notes"])
def test_headings_of_brokers(head):
    mark = ";" if ";" in head else ","
    rows = [["Do you use EDR?", "Yes", "no doubt"], ["Do you require MFA for email?", "N", "yes soon"]]
    data = "\n".join([head, *(mark.join(row) for row in rows)]).encode()
    assert values(readers.read(data, observed_at="2026-11-01")) == {"edr_coverage": 1.0, "mfa_email_coverage": 0.0}


@pytest.mark.parametrize(
    ("wording", "signal"),
    [
        ("Does the Applicant require multi-factor authentication (MFA) for remote access?", "mfa_remote_coverage"),
        ("3. Does your organization require Two-Factor Authentication for email? (Yes/No)", "mfa_email_coverage"),
        ("Does the company use an Endpoint Detection and Response (EDR) tool?", "edr_coverage"),
        ("Does the Applicant not require MFA for remote access?", None),
        ("Does the Applicant require MFA for remote access by vendors only?", None),
    ],
)
def test_who_is_asked_and_how_mfa_is_called_does_not_matter(wording, signal):
    asked = [{"question": wording, "answer": "yes"}, {"id": "mdr", "answer": "no"}]
    found = application.read(json.dumps(asked).encode(), observed_at=DAY)
    assert values(found) == ({signal: 1.0} if signal else {}) | {"mdr_24x7": 0}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("signed", ["2026-11-03", "2026/11/3", "2026年11月3日", "2026.11.03"])
def test_tables_as_chinese_spreadsheets_save_them(encoding, signed):
    data = f"问题,回答\n是否部署EDR?,是\n邮箱是否启用多因素认证?,否\n签署日期,{signed}\n".encode(encoding)
    found = readers.read(data)
    assert values(found) == {"edr_coverage": 1.0, "mfa_email_coverage": 0.0}
    assert found.observed_at.date().isoformat() == "2026-11-03"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_our_own_chinese_form_filled_in_and_saved_as_spreadsheets_do(encoding):
    """Its headings are English, its questions and answers Chinese."""
    rows = list(csv.reader(application.template(language="zh").splitlines()))
    answers = {"mfa_email": "是", "mfa_remote": "否"}
    for row in rows[1:]:
        row[2] = answers.get(row[0], "2026-11-03" if "signed" in row[0] else "")
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    found = values(readers.read(text.getvalue().encode(encoding)))
    assert (found["mfa_email_coverage"], found["mfa_remote_coverage"]) == (1.0, 0.0)


def test_accented_letters_are_no_chinese():
    start = "Frage,Antwort\nGröße der Sicherungen außerhalb,Jährlich für Übungen geprüft\n".encode("latin-1")
    assert encoding_of(start) == "utf-8-sig"


@pytest.mark.parametrize("cell", ["N/A", "none", "not yet", "Partially", "in progress", "see attached"])
def test_text_in_a_box_is_no_tick(cell):
    found = application.read(f"Question,Yes,No\nmfa_email,{cell},\nedr,x,\n".encode(), observed_at=DAY)
    assert values(found) == {"edr_coverage": 1.0}
    assert any("mfa_email" in "".join(one.what) for one in found.not_mapped)


@pytest.mark.parametrize(("empty", "full"), [("[ ]", "[x]"), ("○", "●"), ("☐", "☒"), ("", "X")])
def test_empty_boxes_are_empty(empty, full):
    form = f"Question,Yes,No\nmfa_email,{empty},{full}\nedr,{full},{empty}\n"
    assert values(application.read(form.encode(), observed_at=DAY)) == {"mfa_email_coverage": 0.0, "edr_coverage": 1.0}


def test_which_of_two_columns_holds_the_answers_is_not_guessed():
    with pytest.raises(ReadingError):
        application.read(b"Question,Response,Answer\nmfa_email,Yes,No\n", observed_at=DAY)


@pytest.mark.parametrize("header", ["Question,Response,Answer", "Question,Insurer response,Applicant response"])
def test_known_questions_do_not_hide_that_there_are_two_columns_of_answers(header):
    form = header + "\nmfa_email,Yes,No\nedr,Yes,No\ncentral_logs,Yes,No\n"
    with pytest.raises(ReadingError, match="several columns of answers"):
        application.read(form.encode(), observed_at=DAY)


@pytest.mark.parametrize("bound", ["within", "under", "less than", "up to", "<", "<=", "at least", ">=", ">", "over"])
def test_a_bound_is_a_number_only_where_it_cannot_flatter(bound):
    """Patches within 30 days take 30 at worst; logs kept for at least 30 days are kept for 30 at worst."""
    form = f"Question,Answer\ncritical_patch_days,{bound} 30 days\ncentral_logs,{bound} 30 days\nedr,yes\n"
    upper, lower = bound in {"within", "under", "less than", "up to", "<", "<="}, bound in {"at least", ">="}
    found = values(application.read(form.encode(), observed_at=DAY))
    assert found.get("critical_patch_median_days") == (30 if upper else None)
    assert found.get("central_log_days") == (30 if lower else None)


def test_more_than_so_many_days_is_no_number_of_days():
    found = application.read(b"Question,Answer\ncritical_patch_days,> 30 days\nedr,yes\n", observed_at=DAY)
    assert values(found) == {"edr_coverage": 1.0}


def test_answers_in_boxes_of_their_own():
    asked = [
        {"id": "q1", "text": "Do you use EDR?", "answer": {"value": "Yes"}},
        {"label": "Do you filter incoming email?", "value": ["Yes"]},
    ]
    found = application.read(json.dumps({"completedAt": "2026-11-04T10:00:00Z", "questions": asked}).encode())
    assert values(found) == {"edr_coverage": 1.0, "mail_filter_tier": 1}
    assert found.observed_at.date().isoformat() == "2026-11-04"


def test_two_answers_to_one_question():
    twice = [{"id": "edr", "answer": "yes"}, {"id": "EDR coverage", "answer": "no"}]
    with pytest.raises(ReadingError, match="answered twice, and differently"):
        application.read(json.dumps(twice).encode(), observed_at=DAY)
    twice[1]["answer"] = "ja"
    assert values(application.read(json.dumps(twice).encode(), observed_at=DAY)) == {"edr_coverage": 1.0}


def test_a_certification_is_not_believed_on_a_word():
    found = form(certification="yes", edr="yes")
    assert "assurance_level" not in values(found)
    assert any("certificate" in one.why for one in found.not_mapped)


def test_dates_after_the_signature_and_forms_without_one():
    late = form(restore_test="2027-01-01", edr="yes")
    assert "restore_test_age_days" not in values(late)
    with pytest.raises(ReadingError, match="pass observed_at"):
        application.read(b'{"edr": "yes"}')
    with pytest.raises(ReadingError, match="no question of the form is known"):
        application.read(b'{"colour": "blue"}', observed_at=DAY)
    with pytest.raises(ReadingError, match="language"):
        application.template(language="de")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(RATED),
    st.one_of(st.text(max_size=30), st.integers(), st.integers(0).map(str), st.floats(), st.booleans(), st.none()),
)
def test_any_answer_is_understood_or_said_to_be_unclear(question, given_answer):
    answer = answers.understand(question, given_answer)
    if answer.value is not None and answer.value != "never":
        assert signal(question.signal).check(answer.value) == answer.value


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from([one.id for one in RATED]), st.sampled_from(["yes", "no", "", "n/a"]), min_size=1)
)
def test_a_better_answer_never_reads_worse(given_answers):
    before = values(form(**given_answers))
    for key in given_answers:
        question = QUESTIONS[key]
        better = "no" if key in GOOD_WHEN_NO else "yes"
        if question.yes is None or given_answers[key] not in {"yes", "no"}:
            continue
        after = values(form(**given_answers | {key: better}))
        about = signal(question.signal)
        if question.signal in before and before[question.signal] != "not_applicable":
            assert about.code(after[question.signal]) <= about.code(before[question.signal])
