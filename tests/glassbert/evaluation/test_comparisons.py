"""Scoreboards, agreement between methods, and rankings over the sentences on board."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

import glassbert as gb
from glassbert.evaluation import _ranking, _ranking_store, _sentences
from glassbert.evaluation.results import ReceiptLine

TEXT = "This film was not good at all; the acting is great."
METHODS = ("input_x_gradient", "saliency", "occlusion")


@pytest.fixture
def model(tiny_model):
    return tiny_model("bert", "classification")


@pytest.fixture
def scores(model):
    return [gb.attribute(model, TEXT, method=method, target=1) for method in METHODS]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBERT_CACHE", str(tmp_path))
    monkeypatch.setattr(_ranking, "sentences_on_board", lambda: (TEXT, "The {man} went to the store."))
    return tmp_path


class TestScoreboard:
    @staticmethod
    def with_shares(receipt, method, comprehensive, sufficient):
        """The receipt as if its method had beaten these shares of random orderings."""
        shares = {"comprehensiveness": comprehensive, "sufficiency": sufficient}
        lines = tuple(
            ReceiptLine(line.check, None, "", "not_applicable", "", {})
            if shares.get(line.check, 0) is None
            else replace(line, details={**line.details, "beaten_share": shares.get(line.check)})
            for line in receipt.lines
        )
        return replace(receipt, method=method, lines=lines)

    def test_the_most_faithful_comes_first(self, model, scores):
        one = gb.receipt(model, scores[0], checks=["comprehensiveness", "sufficiency", "leave_one_out"], n_orderings=10)
        shares = {"a": (0.2, 0.9), "b": (1.0, 0.8), "c": (None, None), "d": (0.9, None)}
        board = gb.scoreboard([self.with_shares(one, method, *pair) for method, pair in shares.items()])
        assert board.methods == ("b", "d", "a", "c")
        assert board.faithfulness == (0.9, 0.9, pytest.approx(0.55), None)
        assert board.columns == ("comprehensiveness", "sufficiency", "leave_one_out")
        assert board.numbers[3][:2] == (None, None)
        assert board.verdicts[3][0] == "not_applicable"
        assert board.numbers[0] == tuple(line.number for line in one.lines)
        assert "random orderings beaten" in board.rule

    def test_it_says_what_the_receipts_say(self, model, scores):
        receipts = list(gb.receipts(model, scores, checks=["comprehensiveness", "sufficiency"], n_orderings=20))
        board = gb.scoreboard(receipts)
        by_method = {receipt.method: receipt for receipt in receipts}
        assert sorted(board.methods) == sorted(METHODS)
        for method, row, faithful in zip(board.methods, board.numbers, board.faithfulness, strict=True):
            lines = by_method[method].lines
            assert row == tuple(line.number for line in lines)
            assert faithful == pytest.approx(np.mean([line.details["beaten_share"] for line in lines]))
        assert list(board.faithfulness) == sorted(board.faithfulness, reverse=True)
        assert board.frame()["method"].tolist() == list(board.methods)

    def test_other_decisions_are_refused(self, model, scores):
        first = gb.receipt(model, scores[0], checks=["arithmetic"])
        other = gb.receipt(model, gb.attribute(model, TEXT, method="saliency", target=0), checks=["arithmetic"])
        with pytest.raises(gb.OptionError, match="another text or target"):
            gb.scoreboard([first, other])
        with pytest.raises(gb.OptionError, match="at least one receipt"):
            gb.scoreboard([])


class TestAgreement:
    def test_it_equals_scipy_and_counting(self, scores):
        agreement = gb.method_agreement(scores, top_k=3)
        words = slice(1, -1)
        ranked = [one.scores[words] for one in scores]  # saliency is never negative
        for i, first in enumerate(ranked):
            for j, second in enumerate(ranked):
                tau = scipy.stats.kendalltau(first, second).statistic
                assert agreement.kendall[i, j] == pytest.approx(tau, abs=1e-6)
                top = set(np.argsort(-first)[:3]) & set(np.argsort(-second)[:3])
                assert agreement.overlap[i, j] == pytest.approx(len(top) / 3)
        assert agreement.methods == METHODS
        votes = np.stack([one.scores / np.abs(one.scores[words]).sum() for one in scores])
        np.testing.assert_allclose(agreement.consensus[words], votes.mean(axis=0)[words], atol=1e-6)
        np.testing.assert_allclose(agreement.spread[words], votes.std(axis=0)[words], atol=1e-6)
        assert agreement.consensus[[0, -1]].tolist() == agreement.spread[[0, -1]].tolist() == [0, 0]
        shares = [np.abs(one.scores[[0, -1]]).sum() / np.abs(one.scores).sum() for one in scores]
        np.testing.assert_allclose(agreement.special_shares, shares, atol=1e-6)
        frame = agreement.frame()
        assert frame[["method", "other"]].to_numpy().tolist() == [
            ["input_x_gradient", "saliency"],
            ["input_x_gradient", "occlusion"],
            ["saliency", "occlusion"],
        ]
        assert frame["kendall"].tolist() == agreement.kendall[np.triu_indices(3, 1)].tolist()

    def test_scores_that_are_all_alike_agree_with_nothing_and_vote_zero(self, scores):
        zero = replace(scores[0], scores=np.zeros(len(scores[0].encoded)))
        agreement = gb.method_agreement([scores[0], zero])
        assert agreement.kendall[0, 1] == 0
        words = scores[0].scores[1:-1]
        np.testing.assert_allclose(agreement.consensus[1:-1], words / np.abs(words).sum() / 2, atol=1e-6)
        assert agreement.special_shares[1] == 0
        assert json.dumps(agreement.to_dict(), allow_nan=False)

    def test_a_method_that_looks_at_cls_alone_votes_about_words_all_the_same(self, scores):
        """99 % on [CLS]: what remains orders the words, and weighs as much as another method's scores."""
        one = scores[0]
        heavy = one.scores.copy()
        heavy[0] = 99 * np.abs(one.scores[1:]).sum()
        agreement = gb.method_agreement([one, replace(one, scores=heavy)])
        words = one.scores[1:-1]
        np.testing.assert_allclose(agreement.consensus[1:-1], words / np.abs(words).sum(), atol=1e-6)
        np.testing.assert_allclose(agreement.spread, 0, atol=1e-6)
        assert agreement.special_shares[1] > 0.98

    @pytest.mark.parametrize("text", ["good", "good bad"])
    def test_short_texts(self, model, text):
        both = [gb.attribute(model, text, method=method, target=1) for method in METHODS[:2]]
        agreement = gb.method_agreement(both)
        assert agreement.top_k == 1
        assert np.isfinite(agreement.kendall).all()
        assert np.isfinite(agreement.consensus).all()

    def test_bad_questions_are_refused(self, model, scores):
        with pytest.raises(gb.OptionError, match="at least one method"):
            gb.method_agreement([])
        with pytest.raises(gb.OptionError, match="must be at least 1"):
            gb.method_agreement(scores, top_k=0)
        with pytest.raises(gb.OptionError, match="another text or target"):
            gb.method_agreement([scores[0], gb.attribute(model, TEXT, method="saliency", target=0)])


class TestRanking:
    @pytest.mark.usefixtures("cache")
    def test_it_is_the_mean_over_sentences_of_each_receipt(self, model):
        ranking = gb.method_ranking(model, methods=METHODS)
        texts = [TEXT, "The man went to the store."]
        assert ranking.sentences == tuple((text,) for text in texts)
        for place, text in enumerate(texts):
            scores = [gb.attribute(model, text, method=method) for method in ranking.methods]
            for row, receipt in enumerate(gb.receipts(model, scores, n_orderings=100)):
                faithful = [receipt.line(check) for check in ("comprehensiveness", "sufficiency")]
                assert ranking.comprehensiveness[row, place] == pytest.approx(faithful[0].number, abs=1e-5)
                assert ranking.sufficiency[row, place] == pytest.approx(faithful[1].number, abs=1e-5)
                shares = [line.details["beaten_share"] for line in faithful]
                assert ranking.beaten[row, place] == pytest.approx(np.mean(shares), abs=0.02)
                assert ranking.agreement[row, place] == pytest.approx(receipt.line("leave_one_out").number, abs=1e-5)
        means = ranking.beaten.mean(axis=1)
        assert (np.diff(means) <= 0).all()
        assert ranking.best == ranking.methods[0]
        np.testing.assert_allclose(ranking.frame()["beaten"], means, atol=1e-6)
        occlusion = ranking.methods.index("occlusion")
        tokens = [len(gb.encode(model, text)) for text in texts]
        assert ranking.forward_passes[occlusion] == pytest.approx(np.mean(tokens), abs=1)

    def test_it_is_computed_once_and_a_damaged_file_again(self, model, cache, monkeypatch):
        first = gb.method_ranking(model, methods=METHODS)
        (file,) = (cache / "rankings").iterdir()
        computed = []

        def spy(*args, **_):
            computed.append(args)
            return first

        monkeypatch.setattr(_ranking, "_computed", spy)
        again = gb.method_ranking(model, methods=METHODS)
        assert computed == []
        np.testing.assert_array_equal(again.beaten, first.beaten)
        whole = file.read_text()
        for broken in ("", whole[:-50], "[]", "{}", whole.replace("MethodRanking", "Receipt"), '{"key": 3}'):
            file.write_text(broken)
            computed.clear()
            gb.method_ranking(model, methods=METHODS)
            assert len(computed) == 1, broken[:20]
            assert file.read_text() == whole
        assert [path.name for path in (cache / "rankings").iterdir()] == [file.name], "no half-written file is left"
        gb.method_ranking(model, methods=METHODS[:2])
        assert len(computed) == 2, "other methods are another ranking"
        gb.method_ranking(model, methods=METHODS, sentences=["Good it was."])
        assert len(computed) == 3
        assert len(list((cache / "rankings").iterdir())) == 2, "own sentences are not kept"

    def test_a_folder_that_cannot_be_written_is_no_error(self, model, cache, monkeypatch):
        blocked = cache / "file"
        blocked.write_text("not a folder")
        monkeypatch.setenv("GLASSBERT_CACHE", str(blocked))
        assert gb.method_ranking(model, methods=METHODS[:1]).methods == METHODS[:1]

    def test_where_it_is_kept(self, tmp_path, monkeypatch):
        monkeypatch.delenv("GLASSBERT_CACHE", raising=False)
        monkeypatch.setattr(_ranking_store.sys, "platform", "linux")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert _ranking_store.cache_folder() == tmp_path / "glassbert"
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert _ranking_store.cache_folder().parts[-2:] == (".cache", "glassbert")
        monkeypatch.setattr(_ranking_store.sys, "platform", "darwin")
        assert _ranking_store.cache_folder().parts[-3:] == ("Library", "Caches", "glassbert")
        monkeypatch.setattr(_ranking_store.sys, "platform", "win32")
        monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
        assert _ranking_store.cache_folder() == tmp_path / "glassbert"

    def test_the_key_is_the_content_of_the_weights(self, tiny_checkpoint, tmp_path):
        import shutil

        texts, methods = ["a"], [gb.METHODS["saliency"]]
        folder = tiny_checkpoint("bert", "classification")
        copy = tmp_path / "elsewhere"
        shutil.copytree(folder, copy)
        models = [gb.load(str(path), device="cpu") for path in (folder, copy)]
        keys = [_ranking_store.key(model, methods, texts, 10, 0) for model in models]
        assert keys[0] == keys[1]
        assert _ranking_store.key(gb.ablate(models[0], [(0, 0)]), methods, texts, 10, 0) != keys[0]
        assert _ranking_store.key(models[0], methods, ["b"], 10, 0) != keys[0]
        other = gb.load(str(tiny_checkpoint("bert", "classification", seed=1)), device="cpu")
        assert _ranking_store.key(other, methods, texts, 10, 0) != keys[0]

    @pytest.mark.usefixtures("cache")
    def test_masked_words_are_ranked_on_the_same_sentences(self, tiny_model):
        model = tiny_model("roberta", "masked_words")
        ranking = gb.method_ranking(
            model, methods=["input_x_gradient"], sentences=["The {man} went home to the store."]
        )
        assert ranking.sentences == (("The <mask> went home to the store.",),)
        assert ranking.used.sum() == 1

    @pytest.mark.usefixtures("cache")
    def test_methods_that_cannot_explain_a_model_are_left_out(self, model, monkeypatch):
        def refuses(_problem, _options):
            raise gb.UnsupportedModelError("not this one")

        method = replace(gb.METHODS["saliency"], compute=refuses)
        monkeypatch.setattr(_ranking, "METHODS", {**gb.METHODS, "saliency": method})
        assert set(gb.method_ranking(model, methods=METHODS).methods) == set(METHODS) - {"saliency"}

    @pytest.mark.usefixtures("cache")
    def test_progress_stopping_and_bad_questions(self, model, tiny_model):
        told = []
        gb.method_ranking(model, methods=METHODS[:1], progress=lambda *pair: told.append(pair))
        assert told == [(0, 42), (1, 42), (42, 42)], "at most 20 texts of each known evidence, here none"
        with pytest.raises(gb.StoppedError):
            gb.method_ranking(model, methods=METHODS[1:], cancelled=lambda: True)
        with pytest.raises(gb.OptionError, match=r"a method must be one of .*; got 'magic'"):
            gb.method_ranking(model, methods=["magic"])
        with pytest.raises(gb.OptionError, match="at least one sentence"):
            gb.method_ranking(model, sentences=[])
        with pytest.raises(gb.TaskHeadError, match="neither a classifier"):
            gb.method_ranking(tiny_model("bert", "question_answering"))
        assert gb.evaluation.stored_ranking(tiny_model("bert", "question_answering")) is None
        assert gb.evaluation.stored_ranking(model) is None


@pytest.mark.parametrize("name", ["sentiment", "pretrained"])
def test_the_embedded_models_come_with_their_ranking(request, name, tmp_path, monkeypatch):
    """Of these very weights, and of the methods as they are: ``python -m training.rank_methods`` makes it."""
    monkeypatch.setenv("GLASSBERT_CACHE", str(tmp_path))
    model = request.getfixturevalue(name)
    stored = gb.evaluation.stored_ranking(model)
    assert stored is not None, "weights, methods or sentences have changed: run python -m training.rank_methods"
    assert set(stored.methods) == set(gb.METHODS)
    assert (stored.model, stored.orderings, len(stored.sentences)) == (name, 100, 60)
    assert stored.used.sum(axis=1).min() >= 55
    places = sorted(range(60), key=lambda place: len(stored.sentences[place][0]))[:2]  # the quickest two
    methods = ("input_x_gradient", "attention_relevance", "leave_one_out")
    sentences = [stored.sentences[place][0] for place in places]
    again = gb.method_ranking(model, methods=methods, sentences=sentences)
    for row, method in enumerate(again.methods):
        there = stored.methods.index(method)
        for column in ("comprehensiveness", "sufficiency", "agreement"):
            kept = getattr(stored, column)[there, places]
            np.testing.assert_allclose(getattr(again, column)[row], kept, atol=2e-3)
        np.testing.assert_allclose(again.beaten[row], stored.beaten[there, places], atol=0.02)
        assert again.sentences == tuple((sentence,) for sentence in sentences)


def test_the_sentences_on_board(pretrained):
    sentences = _sentences.sentences_on_board()
    assert len(sentences) == len(set(sentences)) == 60
    for sentence in sentences:
        assert sentence.count("{") == sentence.count("}") == 1
        text, masked = _sentences.as_text(sentence), _sentences.as_masked(sentence, "[MASK]")
        assert 6 <= len(text.split()) <= 30
        assert "{" not in text + masked
        assert gb.encode(pretrained, masked).tokens.count("[MASK]") == 1
        assert len(gb.encode(pretrained, masked)) <= len(gb.encode(pretrained, text)), "the masked word is one piece"
    assert _sentences.as_masked("one two three", "M") == "one M three"
    assert _sentences.as_masked("one", "M") == "M"
    assert _sentences.as_masked("an M here", "M") == "an M here"
