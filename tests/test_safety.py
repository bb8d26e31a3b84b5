"""Red flags are raised by what people write of themselves or of others, now, and by nothing else."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.red_flags import RedFlagsError, red_flags
from bot.safety import red_flag
from bot.wording import wordings
from indexer.evidence import OFF_SUBJECT_TAGS

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data/red_flags.jsonl").read_text(encoding="utf-8").splitlines()
]
EMERGENCIES = {row["question"]: row["flag"] for row in ROWS if row["flag"]}
LOOK_ALIKES = [row["question"] for row in ROWS if not row["flag"]]

# Emergencies that only a reader of the whole sentence can tell. They belong to the classifier.
KNOWN_MISSES = {
    "I've decided to go. Nobody can help me.",
    "I've had to sit down and coax every drop out since the discectomy",
    "she was able to move her feet after surgery and now she can't",
}

HOSTILE = [
    "",
    "a" * 2000,
    " " * 2000,
    "." * 2000,
    "1" * 2000,
    "'" * 2000,
    "é" * 2000,
    "no " * 600,
    "cant " * 400,
    "my leg cant move " * 120,
    "no or " * 330,
    "no fever, " * 200,
    "not pee not wet " * 120,
    "cant feel when wiping " * 90,
    "39.4 " * 400,
    "pain " * 400,
    "in 2019, " * 220,
    "what is the risk of " * 100,
    " ".join(f"bladd{chr(97 + n % 26)}r" for n in range(250)),
]


def taught() -> Iterator[dict[str, str]]:
    for file in (Path(__file__).parent.parent / "corpus").glob("*/questions.jsonl"):
        yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def test_every_emergency_raises_its_flag():
    raised = {question: red_flag(question) for question in EMERGENCIES}
    assert {question for question, flag in raised.items() if flag is None} == KNOWN_MISSES
    assert {q: flag for q, flag in raised.items() if flag and flag != EMERGENCIES[q]} == {}


def test_no_look_alike_raises_a_flag():
    assert {question: flag for question in LOOK_ALIKES if (flag := red_flag(question))} == {}


def test_the_test_set_is_large_and_says_nothing_twice():
    assert len({row["question"].casefold() for row in ROWS}) == len(ROWS)
    assert len(EMERGENCIES) >= 150
    assert len(LOOK_ALIKES) >= 120


def test_taught_emergencies_are_nearly_all_told_by_rules_alone():
    emergencies = [row["question"] for row in taught() if row.get("kind") == "emergency"]
    raised = sum(red_flag(question) is not None for question in emergencies)
    assert raised >= 0.95 * len(emergencies)


def test_other_taught_questions_hardly_ever_raise_a_flag():
    others = [row for row in taught() if row.get("kind") != "emergency"]
    # Half of these play with alarming words on purpose: in doubt, the notice.
    off_subject = [row["question"] for row in others if not OFF_SUBJECT_TAGS.isdisjoint(row["tags"])]
    about_it = [row["question"] for row in others if OFF_SUBJECT_TAGS.isdisjoint(row["tags"])]
    for questions, most in ((about_it, 0.002), (off_subject, 0.02)):
        raised = [question for question in questions if red_flag(question)]
        assert len(raised) <= most * len(questions), raised


def test_every_flag_has_a_notice_and_every_notice_a_flag():
    notices = wordings()["en"]["emergency"]
    assert notices.keys() == {*red_flags().flags, "unnamed"}
    assert all("112, 911 or 999" in notice for notice in notices.values())


def test_no_two_flags_share_a_notice():
    # A translation is found by its English words.
    notices = wordings()["en"]["emergency"].values()
    assert len(set(notices)) == len(notices)


@pytest.mark.parametrize("flag", red_flags().flags)
def test_every_flag_is_raised_by_some_wording(flag: str):
    assert flag in {red_flag(question) for question in EMERGENCIES}


BESIDE = [
    "No fever. {}",
    "no fever, {}",
    "no fever but {}",
    "{} But no fever.",
    "I had back surgery in 2019. {}",
    "I had back surgery three years ago and {}",
    "Before the op I was fine, {}",
    "My brother had this years ago, {}",
    "They warned me about this, {}",
    "What are the signs of trouble? {}",
    "{} What is the risk of waiting?",
    "I'm not sure if this matters, {}",
    "sorry to ask, it's not a nice subject: {}",
    "it all went well, the leg pain went away, {}",
    "I read about scar tissue and nerves for an hour. {} How long does a nerve take to heal?",
]


@pytest.mark.parametrize("beside", BESIDE)
def test_what_stands_beside_a_symptom_does_not_hide_it(beside: str):
    told = [question for question in EMERGENCIES if question not in KNOWN_MISSES]
    assert [question for question in told if red_flag(beside.format(question)) is None] == []


@pytest.mark.parametrize("write", [str.upper, lambda q: q.replace("'", ""), lambda q: q.replace("'", "’")])
def test_capitals_and_apostrophes_make_no_difference(write):
    told = [question for question in EMERGENCIES if question not in KNOWN_MISSES]
    assert [question for question in told if red_flag(write(question)) is None] == []


@pytest.mark.parametrize(
    ("symptom", "denied"),
    [
        ("I have trouble peeing", "I have no trouble peeing"),
        ("my wound is leaking", "my wound is not leaking"),
        ("chest pain, short of breath", "no chest pain, not short of breath"),
        ("fever, chills and a red wound", "no fever, chills or red wound"),
        ("numb between the legs", "not numb between the legs"),
        ("I can't feel anything when I wipe", "I can feel everything when I wipe"),
        ("I want to die", "I don't want to die"),
        ("he lost control of his bowels", "he never lost control of his bowels"),
        ("saddle anaesthesia, retention", "denies saddle anaesthesia or retention"),
    ],
)
def test_a_symptom_denied_is_none(symptom: str, denied: str):
    assert red_flag(symptom)
    assert red_flag(denied) is None


@pytest.mark.parametrize(
    ("now", "past"),
    [
        ("I wet myself today", "I wet myself once years ago"),
        ("I have a blood clot in my leg", "I had a blood clot in my leg in 2012"),
        ("I can't pee", "before the operation I couldn't pee"),
        ("numbness in my groin", "I used to have numbness in my groin"),
        ("wound infection", "the wound infection cleared up"),
    ],
)
def test_what_is_over_is_no_emergency(now: str, past: str):
    assert red_flag(now)
    assert red_flag(past) is None


@pytest.mark.parametrize(
    ("happening", "general"),
    [
        ("I think it is cauda equina", "what does the word cauda equina mean"),
        ("my wound is infected", "how would I know if my wound is infected"),
        ("I have a blood clot", "what is the risk of a blood clot"),
        ("my leg is paralysed", "can scar tissue leave a leg paralysed"),
        ("stiff neck and fever", "should I watch for stiff neck and fever"),
        ("is it normal that I can't pee", "can a slipped disc cause incontinence"),
    ],
)
def test_what_is_asked_in_general_is_no_emergency(happening: str, general: str):
    assert red_flag(happening)
    assert red_flag(general) is None


@pytest.mark.parametrize("question", ["my wife can't pee", "resident won't wake up", "Dad's foot drags since today"])
def test_somebody_else_counts(question: str):
    assert red_flag(question)


@pytest.mark.parametrize(
    "question", ["calf swolen and hot", "cant brethe", "my blader is numb", "I do not feel my bum"]
)
def test_a_slip_of_the_pen_is_forgiven(question: str):
    assert red_flag(question)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\n\n", " \n - ", "\r", "\u2028"])
def test_a_line_break_parts_what_is_denied_from_what_is_not(line_break: str):
    assert red_flag(f"no fever{line_break}wound leaking pus") == "wound_infection"
    assert red_flag(f"no fever or{line_break}chest pain") == "clot_chest"
    assert red_flag(f"no fever{line_break}no pus") is None


@pytest.mark.parametrize("beside", ["{}{}", "{}\n{}", "{}but {}"])
@pytest.mark.parametrize("flag", red_flags().flags)
def test_a_symptom_at_the_end_of_a_long_story_is_seen(flag: str, beside: str):
    sentence = "I had the operation in May, the leg was fine at first, there was no fever and I walked every day. "
    story = sentence * (5000 // len(sentence) + 1)
    symptom = next(question for question in EMERGENCIES if red_flag(question) == flag)
    assert red_flag(story) is None
    assert red_flag(beside.format(story, symptom)) == flag


@pytest.mark.parametrize("level", ["L4/5", "L4/L5", "l4-5", "L3-5", "L3–L5", "L3/4/5", "L4/5/S1", "C4/5"])
def test_a_level_of_the_spine_is_no_power_of_a_muscle(level: str):
    assert red_flag(f"woke from the {level} discectomy free of pain") is None
    assert red_flag(f"woke from the {level} discectomy, power 3/5") == "weakness"


@pytest.mark.parametrize("power", ["L 2/5", "L2/5", "L4 4/5", "L4: 4/5", "L4-4/5", "EHL 4/5"])
def test_the_power_of_a_side_or_of_a_root_is_no_level(power: str):
    assert red_flag(f"{power} since this morning") == "weakness"


def test_nerves_named_as_anatomy_are_no_emergency():
    assert red_flag("where does the cauda equina begin") is None
    assert red_flag("does he have cauda equina") == "bladder_bowel"
    assert red_flag("worried about the cauda equina") == "bladder_bowel"


def test_an_exception_covers_its_own_words_only():
    assert red_flag("I fell asleep in the chair") is None
    assert red_flag("I fell asleep, then I fell and can't get up") == "fall"


@given(st.text(max_size=2500))
@example("'")
@example("39.")
@example("½ ² ٣ Ⅷ 🦵🏽 ﷺ")
def test_any_text_raises_a_flag_or_none(text: str):
    assert red_flag(text) in {None, *red_flags().flags}


WORDS = sorted(red_flags().words | {stem for stems in red_flags().stems.values() for stem in stems}) + list(".,?;:-")


@settings(max_examples=200)
@given(st.lists(st.sampled_from(WORDS), max_size=300))
def test_any_words_of_the_table_raise_a_flag_or_none(words: list[str]):
    assert red_flag(" ".join(words)) in {None, *red_flags().flags}


def seconds(text: str) -> float:
    """The quickest of a few runs: what the text costs, whatever else the machine does."""

    def run() -> float:
        # Time of this process alone: other tests run beside it.
        start = time.process_time()
        red_flag(text)
        return time.process_time() - start

    return min(run() for _ in range(7))


def test_an_ordinary_question_of_2000_characters_takes_about_a_millisecond():
    others = " ".join(row["question"] for row in taught() if row.get("kind") != "emergency")
    assert seconds(others[:2000]) < 0.005


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_no_text_takes_long(text: str):
    assert seconds(text) < 0.05


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_time_grows_with_the_length_alone(text: str):
    assert seconds(text * 4) < 8 * seconds(text) + 0.03


TABLE = """
turns = "but"
within = 5
[numbers]
year = [[1940, 2100]]
[joined]
"do not" = "dont"
[spelling]
mend = "bladder"
real_words = "ladder"
[words]
{words}
[[flag]]
name = "bladder"
raised_by = "{rule}"
"""


@pytest.mark.parametrize(
    ("words", "rule", "says"),
    [
        ("", "{bladder}", "no list {bladder}"),
        ('one = "{two}"\ntwo = "{one}"', "{one}", "name one another"),
        ("", "pe*", "at the end of a word"),
        ("", "can't pee", "without apostrophes"),
        ("", "Bladder", "small letters"),
        ("one", "bladder", "red_flags.toml"),
    ],
)
def test_a_mistake_in_the_table_is_named(tmp_path: Path, words: str, rule: str, says: str):
    file = tmp_path / "red_flags.toml"
    file.write_text(TABLE.format(words=words, rule=rule), encoding="utf-8")
    with pytest.raises(RedFlagsError, match=says):
        red_flags(file)
