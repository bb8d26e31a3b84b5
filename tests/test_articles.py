"""Articles become blocks and passages without losing, moving or changing a character."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reading import article_html
from indexer.article import Article, Span, article_folders, load_article
from indexer.blocks import BLANK, BlockKind, parse_markdown, parse_plain
from indexer.check import check_corpus
from indexer.corpus import load_corpus
from indexer.errors import ArticleError
from indexer.evidence import Lexicon
from indexer.passages import MAX_PASSAGE, article_passages, list_opener, split_sentences

ARTICLES = Path(__file__).parent / "articles"
LEG_PAIN = Path(__file__).parent.parent / "corpus" / "leg-pain-after-surgery"


@pytest.fixture(scope="module")
def leg_pain() -> Article:
    return load_article(LEG_PAIN)


def words_of(article: Article, kind: BlockKind) -> list[str]:
    return [article.text[b.start : b.end] for b in article.blocks if b.kind is kind]


def test_the_article_is_the_publication_byte_for_byte():
    digest = hashlib.sha256((LEG_PAIN / "article.txt").read_bytes()).hexdigest()
    assert digest == "90e298193d6da70f59aafbf0284a2178844c0a280ea9ca524cb66060a00bb9ca"


def test_the_label_is_told_as_ours_and_nothing_unknown_is_claimed(leg_pain):
    assert (leg_pain.label, leg_pain.label_is_ours) == ("Leg pain after lumbar surgery", True)
    assert (leg_pain.publisher, leg_pain.address, leg_pain.reviewed) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("article.txt", "After knee replacement\n\nBy Jane Miller, MD\n\nSwelling\nIt lasts for three months.\n"),
        ("article.txt", "After knee replacement\n\nMost people do well.\n\nSwelling\nIt lasts for three months.\n"),
        (
            "article.md",
            "# After knee replacement\n\nMost people do well.\n\n## Swelling\n\nFor three months.\n",
        ),
    ],
)
def test_an_article_that_opens_with_a_title_is_called_by_it(tmp_path, name, text):
    folder = tmp_path / "knee"
    folder.mkdir()
    (folder / name).write_text(text, encoding="utf-8")
    article = load_article(folder)
    assert (article.label, article.label_is_ours) == ("After knee replacement", False)
    assert article.title is not None
    assert article.slice(article.title) == article.label
    page = article_html(load_corpus(tmp_path), "en")
    assert page.count("After knee replacement") == 1, "its title is not set above it a second time"
    assert "This title is ours" not in page
    (folder / "article.toml").write_text('label = "Knees"\nlabel_is_ours = true\n', encoding="utf-8")
    told = load_article(folder)
    assert (told.label, told.label_is_ours) == ("Knees", True)
    assert "This title is ours" in article_html(load_corpus(tmp_path), "en")


def test_an_article_without_a_title_is_called_by_its_folder(tmp_path):
    folder = tmp_path / "after-knee-surgery"
    folder.mkdir()
    (folder / "article.txt").write_text("Most people do well. Swelling lasts for three months.\n", encoding="utf-8")
    article = load_article(folder)
    assert (article.label, article.label_is_ours, article.title) == ("After knee surgery", True, None)


def test_headings_are_told_from_links_and_furniture(leg_pain):
    assert words_of(leg_pain, BlockKind.HEADING) == [
        "Incorrect diagnosis",
        "Dual problems causing pain",
        "Foraminal and central stenosis",
        "Secondary disc herniation",
        "Nerve damage during surgery",
        "Scar tissue",
    ]
    assert words_of(leg_pain, BlockKind.LINK_LIST)[0] == "Learn more:"
    assert words_of(leg_pain, BlockKind.FURNITURE) == ["Find a Physician Near You", "Search for a Doctor"]
    assert all(w.startswith(("See ", "Watch ")) for w in words_of(leg_pain, BlockKind.CROSS_REFERENCE))
    assert len(words_of(leg_pain, BlockKind.CROSS_REFERENCE)) == 9


def test_a_caption_set_behind_a_paragraph_is_no_part_of_it(leg_pain):
    assert words_of(leg_pain, BlockKind.CAPTION) == ["Lumbar Decompression Back Surgery"]
    assert "Pain from a spinal stenosis may be resolved with decompression surgery." in words_of(
        leg_pain, BlockKind.PARAGRAPH
    )


def test_the_author_is_named_by_the_byline_span(leg_pain):
    assert leg_pain.byline is not None
    assert leg_pain.slice(leg_pain.byline).startswith("Dr. Peter Ullrich is an orthopedic surgeon")


def test_the_article_has_its_thirty_sentences_in_order(leg_pain):
    sentences = [leg_pain.slice(s) for p in article_passages(leg_pain) for s in p.sentences]
    assert len(sentences) == 30
    assert sentences[7] == (
        "This has become less likely as our preoperative imaging methods (e.g. MRI scans) have improved."
    )


def test_cross_references_belong_to_their_section(leg_pain):
    passages = article_passages(leg_pain)
    scar = next(p for p in passages if p.heading and leg_pain.slice(p.heading) == "Scar tissue")
    assert [leg_pain.slice(s) for s in scar.see_also] == [
        "See Scar Tissue and Pain After Back Surgery",
        "See Rehabilitation and Exercise Following Spine Surgery",
    ]


def test_closing_paragraphs_are_not_put_under_the_last_heading(leg_pain):
    closing = [p for p in article_passages(leg_pain) if leg_pain.slice(p.span).startswith("For patients who have")]
    assert [p.heading for p in closing] == [None]


def test_the_sentence_that_opens_the_list_is_found(leg_pain):
    opener = list_opener(leg_pain, article_passages(leg_pain))
    assert opener is not None
    assert leg_pain.slice(opener) == "Below are a few reason why leg pain may persist after surgery."


@pytest.mark.parametrize("folder", [LEG_PAIN, *sorted(ARTICLES.iterdir())], ids=lambda f: f.name)
def test_blocks_cover_every_non_blank_character_once(folder):
    article = load_article(folder)
    times = [0] * len(article.text)
    for block in article.blocks:
        for at in range(block.start, block.end):
            times[at] += 1
    assert all(n == 1 or (n == 0 and BLANK.fullmatch(c)) for n, c in zip(times, article.text, strict=True))


@pytest.mark.parametrize("folder", [LEG_PAIN, *sorted(ARTICLES.iterdir())], ids=lambda f: f.name)
def test_sentences_cover_their_passage_in_order(folder):
    article = load_article(folder)
    for passage in article_passages(article):
        joined = "".join(article.slice(sentence) for sentence in passage.sentences)
        assert BLANK.sub("", joined) == BLANK.sub("", article.slice(passage.span))
        assert list(passage.sentences) == sorted(passage.sentences, key=lambda s: s.start)


def test_hard_wrapped_lines_join_and_line_ends_stay_in_the_span():
    article = load_article(ARTICLES / "hard-wrapped")
    first = article_passages(article)[0]
    assert article.slice(first.span).count("\r\n") == 2
    assert len(first.sentences) == 2
    assert words_of(article, BlockKind.HEADING) == ["Sleeping after a shoulder repair", "The sling at night"]
    assert words_of(article, BlockKind.CROSS_REFERENCE) == ["Read more: Choosing a Sling"]
    assert words_of(article, BlockKind.BYLINE) == ["Written by Jo Sample, who teaches physical therapy."]


def test_a_sentence_that_stands_twice_has_two_spans():
    article = load_article(ARTICLES / "hard-wrapped")
    twice = [
        s
        for p in article_passages(article)
        for s in p.sentences
        if article.slice(s) == "The sling stays on at night for four weeks."
    ]
    assert len(twice) == 2
    assert twice[0].end <= twice[1].start


def test_a_one_line_article_is_one_passage_without_heading():
    article = load_article(ARTICLES / "one-line")
    (passage,) = article_passages(article)
    assert passage.heading is None
    assert [article.slice(s) for s in passage.sentences] == [
        "Gout comes from crystals in a joint.",
        "It often starts at night in the big toe.",
        "Drinking water helps, e.g. two litres a day.",
        "Dr. Lee sees it mostly in men.",
    ]


def test_markdown_marks_are_markup_and_offsets_count_code_points():
    article = load_article(ARTICLES / "unicode")
    assert words_of(article, BlockKind.HEADING) == ["Kälte und Wärme 🧊🔥", "Ice"]
    assert "Cafe\u0301 au lait is fine 👩‍⚕️. Ice helps **a lot**; so does rest… Don’t overdo it." in words_of(
        article, BlockKind.PARAGRAPH
    )
    assert words_of(article, BlockKind.CAPTION) == ["![A blue ice pack](pack.png)"]
    assert words_of(article, BlockKind.CROSS_REFERENCE) == ["See also: Heat"]
    assert "code is not prose" in "".join(words_of(article, BlockKind.MARKUP))


def test_a_wall_of_text_is_cut_at_sentence_ends(tmp_path):
    (tmp_path / "article.txt").write_text(" ".join(f"Sentence number {n} says something." for n in range(200)))
    article = load_article(tmp_path)
    passages = article_passages(article)
    assert len(passages) > 1
    assert all(len(p.span) <= MAX_PASSAGE and article.slice(p.span).endswith(".") for p in passages)


def test_patterns_tell_what_guessing_cannot(tmp_path):
    (tmp_path / "article.txt").write_text("Advice from our team.\n\nWalk every day.\n\nRest every night.\n")
    (tmp_path / "article.toml").write_text('[blocks]\nheading = ["^Advice from"]\nfurniture = ["^Rest"]\n')
    article = load_article(tmp_path)
    assert words_of(article, BlockKind.HEADING) == ["Advice from our team."]
    assert words_of(article, BlockKind.FURNITURE) == ["Rest every night."]


@settings(deadline=None, max_examples=150)
@given(
    st.text(
        alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("\r\n\t .!?#-*>'\ufeff")),
        max_size=400,
    )
)
def test_any_text_is_covered_once_by_plain_and_markdown_blocks(text):
    for parse in (parse_plain, parse_markdown):
        blocks = parse(text, {})
        edge = 0
        for block in blocks:
            assert edge <= block.start < block.end <= len(text)
            assert BLANK.sub("", text[edge : block.start]) == ""
            edge = block.end
        assert BLANK.sub("", text[edge:]) == ""


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_span_of_an_article_round_trips(data):
    article = load_article(data.draw(st.sampled_from([LEG_PAIN, *sorted(ARTICLES.iterdir())])))
    start = data.draw(st.integers(0, len(article.text)))
    end = data.draw(st.integers(start, len(article.text)))
    assert article.slice(Span(article.id, start, end)) == article.text[start:end]
    assert all(
        start <= s.start < s.end <= end
        for s in split_sentences(article, Span(article.id, start, end))
        if s.end > s.start
    )


@pytest.mark.parametrize(
    "span",
    [Span("other", 0, 1), Span("leg-pain-after-surgery", 0, 10**6), Span("leg-pain-after-surgery", 5, 2)],
)
def test_a_span_outside_the_article_is_refused(leg_pain, span):
    with pytest.raises(ArticleError):
        leg_pain.slice(span)


def test_an_article_that_is_not_utf8_is_refused_with_the_byte(tmp_path):
    (tmp_path / "article.txt").write_bytes(b"caf\xe9 au lait.")
    with pytest.raises(ArticleError, match=r"article\.txt: not UTF-8 \(byte 3 is 0xe9\)"):
        load_article(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no article.txt"),
        ({"article.txt": "a.", "article.md": "b."}, "exactly one"),
        ({"article.txt": " \n\ufeff "}, "empty"),
        ({"article.txt": "Words here.", "article.toml": "label ="}, "not valid TOML"),
        ({"article.txt": "Words here.", "article.toml": "titel = 'x'"}, "unknown key 'titel'"),
        ({"article.txt": "Words here.", "article.toml": "label = 3"}, "'label' must be text"),
        ({"article.txt": "Words here.", "article.toml": "[blocks]\nheadin = ['x']"}, "no 'headin'"),
        (
            {"article.txt": "Words here.", "article.toml": "[blocks]\nheading = ['(']"},
            "no regular expression",
        ),
    ],
)
def test_a_broken_article_folder_says_what_to_mend(tmp_path, files, message):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ArticleError, match=message):
        load_article(tmp_path)


def test_a_corpus_without_articles_is_refused(tmp_path):
    with pytest.raises(ArticleError, match="no article"):
        article_folders(tmp_path)
    with pytest.raises(ArticleError, match="no such corpus"):
        article_folders(tmp_path / "nowhere")


def test_check_finds_nothing_wrong_with_any_article_of_ours(corpus_folder):
    assert check_corpus(corpus_folder) == []
    assert check_corpus(ARTICLES) == []


def test_synonyms_bring_a_question_to_words_that_it_does_not_use():
    views = ["Scar tissue gets softer with time.", "Another disc may rupture."]
    plain, knowing = Lexicon(views), Lexicon(views, [["scar tissue", "fibrosis"], ["rupture", "slipped disc"]])
    assert plain.scores(["is fibrosis dangerous"]).max() == 0
    assert knowing.scores(["is Fibrosis dangerous", "a slipped disc"]).argmax(axis=1).tolist() == [0, 1]
    assert knowing.scores(["fibrositis"]).max() == 0


def test_synonyms_are_read_from_the_article_s_folder(tmp_path):
    (tmp_path / "article.txt").write_text("A paragraph. Of two sentences.", encoding="utf-8")
    (tmp_path / "article.toml").write_text('synonyms = [["scar", "fibrosis"]]', encoding="utf-8")
    assert load_article(tmp_path).synonyms == (("scar", "fibrosis"),)
    (tmp_path / "article.toml").write_text('synonyms = ["scar"]', encoding="utf-8")
    with pytest.raises(ArticleError, match="'synonyms' must be a list of lists"):
        load_article(tmp_path)
