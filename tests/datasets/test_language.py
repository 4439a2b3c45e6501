"""The language of a text: the 24 of the EU, their neighbours, the rest of the world, and honest doubt."""

import re
import unicodedata
from collections import Counter
from pathlib import Path

import django
import numpy as np
import pytest
from babel.messages.pofile import read_po

from kifabrik.datasets.function_words import load_function_words
from kifabrik.datasets.language import identify, identify_many

SENTENCES = {
    "bg": [
        "Вчера следобед децата играха в парка, докато заваля силен дъжд.",
        "Общинският съвет прие новия бюджет за следващата година.",
    ],
    "cs": [
        "Včera odpoledne si děti hrály v parku, dokud nezačalo silně pršet.",
        "Zastupitelstvo obce schválilo nový rozpočet na příští rok.",
    ],
    "da": [
        "I går eftermiddags legede børnene i parken, indtil det begyndte at regne kraftigt.",
        "Kommunalbestyrelsen har vedtaget det nye budget for næste år.",
    ],
    "de": [
        "Gestern Nachmittag spielten die Kinder im Park, bis es heftig zu regnen begann.",
        "Der Gemeinderat hat den neuen Haushalt beschlossen.",
    ],
    "el": [
        "Χθες το απόγευμα τα παιδιά έπαιζαν στο πάρκο μέχρι που άρχισε δυνατή βροχή.",
        "Το δημοτικό συμβούλιο ενέκρινε τον νέο προϋπολογισμό.",
    ],
    "en": [
        "Yesterday afternoon the children played in the park until it began to rain heavily.",
        "The council has adopted the new budget for next year.",
    ],
    "es": [
        "Ayer por la tarde los niños jugaron en el parque hasta que empezó a llover con fuerza.",
        "El ayuntamiento ha aprobado el nuevo presupuesto del próximo año.",
    ],
    "et": [
        "Eile pärastlõunal mängisid lapsed pargis, kuni hakkas tugevalt vihma sadama.",
        "Linnavolikogu võttis järgmise aasta eelarve vastu.",
    ],
    "fi": [
        "Eilen iltapäivällä lapset leikkivät puistossa, kunnes alkoi sataa rankasti.",
        "Kunnanvaltuusto hyväksyi ensi vuoden talousarvion.",
    ],
    "fr": [
        "Hier après-midi, les enfants ont joué dans le parc jusqu'à ce qu'il se mette à pleuvoir.",
        "Le conseil municipal a adopté le nouveau budget.",
    ],
    "ga": [
        "Tráthnóna inné bhí na páistí ag súgradh sa pháirc go dtí gur thosaigh sé ag cur báistí.",
        "Ghlac an chomhairle leis an mbuiséad nua don bhliain seo chugainn.",
    ],
    "hr": [
        "Jučer poslijepodne djeca su se igrala u parku dok nije počela padati jaka kiša.",
        "Općinsko vijeće usvojilo je novi proračun za sljedeću godinu.",
    ],
    "hu": [
        "Tegnap délután a gyerekek a parkban játszottak, amíg el nem kezdett esni az eső.",
        "A képviselő-testület elfogadta a jövő évi költségvetést.",
    ],
    "it": [
        "Ieri pomeriggio i bambini hanno giocato nel parco finché non ha iniziato a piovere forte.",
        "Il consiglio comunale ha approvato il nuovo bilancio.",
    ],
    "lt": [
        "Vakar po pietų vaikai žaidė parke, kol pradėjo smarkiai lyti.",
        "Savivaldybės taryba patvirtino kitų metų biudžetą.",
    ],
    "lv": [
        "Vakar pēcpusdienā bērni spēlējās parkā, līdz sāka stipri līt.",
        "Pašvaldības dome apstiprināja nākamā gada budžetu.",
    ],
    "mt": [
        "Ilbieraħ wara nofsinhar it-tfal lagħbu fil-park sakemm bdiet nieżla x-xita qawwija.",
        "Il-kunsill lokali approva l-baġit il-ġdid għas-sena d-dieħla.",
    ],
    "nl": [
        "Gistermiddag speelden de kinderen in het park tot het hard begon te regenen.",
        "De gemeenteraad heeft de nieuwe begroting voor volgend jaar goedgekeurd.",
    ],
    "pl": [
        "Wczoraj po południu dzieci bawiły się w parku, dopóki nie zaczął padać ulewny deszcz.",
        "Rada gminy przyjęła nowy budżet na przyszły rok.",
    ],
    "pt": [
        "Ontem à tarde as crianças brincaram no parque até começar a chover com força.",
        "A câmara municipal aprovou o novo orçamento para o próximo ano.",
    ],
    "ro": [
        "Ieri după-amiază copiii s-au jucat în parc până când a început să plouă puternic.",
        "Consiliul local a aprobat noul buget pentru anul viitor.",
    ],
    "sk": [
        "Včera popoludní sa deti hrali v parku, kým nezačalo silno pršať.",
        "Obecné zastupiteľstvo schválilo nový rozpočet na budúci rok.",
    ],
    "sl": [
        "Včeraj popoldne so se otroci igrali v parku, dokler ni začelo močno deževati.",
        "Občinski svet je sprejel nov proračun za prihodnje leto.",
    ],
    "sv": [
        "I går eftermiddag lekte barnen i parken tills det började regna kraftigt.",
        "Kommunfullmäktige har antagit den nya budgeten för nästa år.",
    ],
}
ELSEWHERE = {
    "uk": "Вчора після обіду діти гралися в парку, поки не почався сильний дощ.",
    "ru": "Вчера после обеда дети играли в парке, пока не начался сильный дождь.",
    "tr": "Dün öğleden sonra çocuklar şiddetli yağmur başlayana kadar parkta oynadılar.",
    "ar": "لعب الأطفال بعد ظهر أمس في الحديقة حتى بدأ المطر يهطل بغزارة.",
    "zh": "昨天下午孩子们在公园里玩耍，直到开始下大雨。市议会已经通过了明年的新预算。",
    "no": "I går ettermiddag lekte barna i parken helt til det begynte å regne kraftig.",
    "ca": "Ahir a la tarda els nens van jugar al parc fins que va començar a ploure fort.",
    "mk": "Вчера попладне децата играа во паркот додека не почна да врне силен дожд.",
    "is": "Í gær síðdegis léku börnin sér í garðinum þar til byrjaði að rigna mikið.",
    "af": "Gistermiddag het die kinders in die park gespeel totdat dit hard begin reën het.",
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sdr]|\{[^}]*\}|<[^>]+>")


def read_translations(language: str) -> list[str]:
    """The texts of Django's forms and pages in a language; nothing here was tuned on them."""
    texts: dict[str, None] = {}
    for part in ("contrib/admin", "contrib/auth", "contrib/gis", "contrib/postgres"):
        path = Path(django.__file__).parent / part / "locale" / language / "LC_MESSAGES" / "django.po"
        with path.open("rb") as stream:
            for message in read_po(stream):
                text = message.string if isinstance(message.string, str) else message.string[0]
                if language == "en":
                    text = message.id if isinstance(message.id, str) else message.id[0]
                if message.id and text and not message.fuzzy:
                    texts[" ".join(PLACEHOLDER.sub("", text).split())] = None
    return [text for text in texts if len(text) >= 40]


def test_the_table_has_the_24_official_languages_and_their_neighbours() -> None:
    words = load_function_words()
    assert words.official == SENTENCES.keys()
    assert words.by_language.keys() > words.official
    assert all(len(each) == 100 for language, each in words.by_language.items() if language in words.official)


@pytest.mark.parametrize("language", SENTENCES)
def test_sentences_of_the_24_languages(language: str) -> None:
    assert [identify(text, is_code=False) for text in SENTENCES[language]] == [language] * 2


def test_capitals_change_nothing() -> None:
    assert {code: identify(texts[0].upper(), is_code=False) for code, texts in SENTENCES.items()} == {
        code: code for code in SENTENCES
    }


@pytest.mark.parametrize("language", ELSEWHERE)
def test_other_languages_get_their_own_code(language: str) -> None:
    assert identify(ELSEWHERE[language], is_code=False) == language


def test_98_of_a_hundred_texts_nobody_tuned_on_are_right() -> None:
    texts = [
        (language, text) for language in sorted(SENTENCES) if language != "mt" for text in read_translations(language)
    ]
    assert len(texts) > 1500
    answers = identify_many([text for _, text in texts], [False] * len(texts))
    right = sum(answer == language for answer, (language, _) in zip(answers, texts, strict=True))
    assert right / len(texts) >= 0.98


def test_code_is_code_whatever_it_says() -> None:
    assert identify(SENTENCES["de"][0], is_code=True) == "code"


@pytest.mark.parametrize("text", ["", "12345 67890 --- 12.05.2024", "OK", "Hello there", "x = 1\n" * 3, "\ud800\ud800"])
def test_too_little_text_is_undetermined(text: str) -> None:
    assert identify(text, is_code=False) == "und"


def test_letters_that_are_no_language_have_none() -> None:
    assert identify("Kqzx wvjf plmt grbh dnsk cvbw xqzp lkjh mnbv trwq zxcv fghj", is_code=False) == "zxx"


@pytest.mark.parametrize(
    "text",
    [
        "Kopenhagen Amsterdam Bruxelles Luxembourg Dublin Warszawa",
        "Angela Merkel, Emmanuel Macron, Giorgia Meloni, Donald Tusk",
    ],
)
def test_opinions_that_do_not_support_each_other_are_undetermined(text: str) -> None:
    assert identify(text, is_code=False) == "und"


def test_the_beginning_decides_and_a_doubtful_one_is_read_further() -> None:
    numbers = "1.234,56 ABC-99 " * 18
    assert identify(SENTENCES["hu"][0] * 8 + SENTENCES["sv"][0] * 40, is_code=False) == "hu"
    assert identify(numbers + SENTENCES["pl"][0] * 3, is_code=False) == "pl"


def test_a_text_with_accents_apart_is_judged_as_if_they_were_together() -> None:
    apart = [unicodedata.normalize("NFD", texts[0]) for texts in SENTENCES.values()]
    assert identify_many(apart, [False] * len(apart)) == list(SENTENCES)


def test_the_bytes_of_texts_give_the_same_answers() -> None:
    texts = [" ".join(each) * 3 for each in SENTENCES.values()] + list(ELSEWHERE.values()) + ["", "\ud800 1 2 3"]
    is_code = [number % 7 == 0 for number in range(len(texts))]
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    assert identify_many(texts, is_code, encoded=encoded) == identify_many(texts, is_code)


def test_the_company_of_a_text_changes_nothing() -> None:
    texts = [text for each in SENTENCES.values() for text in each] + list(ELSEWHERE.values()) + ["", "1 2 3"]
    is_code = [number % 7 == 0 for number in range(len(texts))]
    together = identify_many(texts, is_code)
    assert together == [identify(text, is_code=each) for text, each in zip(texts, is_code, strict=True)]
    assert identify_many(texts[::-1], is_code[::-1]) == together[::-1]
    assert identify_many([], []) == []


def rate(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Rate texts over all their bytes; gives the labels of the columns, too."""
    from kifabrik.datasets.language_scores import Walk, load_model

    data = [text.encode() for text in texts]
    ends = np.cumsum([len(each) for each in data])[:, None]
    begins = ends - np.array([[len(each)] for each in data])
    walk = Walk(np.frombuffer(b"".join([*data, bytes(8)]), dtype=np.uint8))
    walk.go(begins, ends)
    return load_model().names.tolist(), walk.rate(begins, ends)


def test_the_batch_gives_the_answers_of_the_model_itself() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    texts = [text for each in SENTENCES.values() for text in each] + list(ELSEWHERE.values())
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    labels, rated = rate(texts)
    assert [labels[place] for place in rated.argmax(axis=1)] == [model.classify(text)[0] for text in texts]


def test_a_long_text_has_the_scores_of_one_walk_over_all_its_bytes() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    long = [" ".join(each) for each in SENTENCES.values()]
    texts = [
        " ".join(long),
        *long,
        "ab" * 500,
        "ü" * 97,
        "x" * 96,
        "x" * 97,
        *(long[0][:size] for size in range(90, 110)),
    ]
    labels, rates = rate(texts)
    for text, rated in zip(texts, rates, strict=True):
        data, state, counts = text.encode(), 0, Counter()
        for byte in data:
            state = model.tk_nextmove[(model.tk_row[state] << 8) + byte]
            counts[model.tk_output[state]] += 1
        del counts[-1]
        places = list(counts)
        expected = np.log1p([counts[each] for each in places]) @ model.nb_ptc[places].astype(np.float64) + model.nb_pc
        best = [max(expected[np.array(model.nb_classes) == label]) for label in labels]
        exact = np.array(best) / np.sqrt(len(data))
        assert np.allclose(rated, exact, rtol=0, atol=0.12)  # languages lie tens apart; weights are one byte each
