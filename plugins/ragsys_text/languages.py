"""Languages by their function words: which one a text is in, and which of its words say nothing."""

from __future__ import annotations

from collections.abc import Sequence

#: The commonest function words, accents folded; enough to tell languages apart and to leave the words out.
FUNCTION_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "english": "a an and are as at be been but by can did do does for from had has have he her his how i if in "
        "into is it its may more most no nor not of on or other our she should so some such than that the "
        "their them then there these they this those to under us was we were what when where which who "
        "whom why will with would you your",
        "german": "aber als am an auch auf aus bei bis das dass dem den der des die durch ein eine einem einen "
        "einer eines er es fur hat im in ist mit nach nicht noch oder sich sie sind sowie und unter vom "
        "von war werden wie wird wurde zu zum zur uber",
        "french": "a au aux avec ce ces cette comme dans de des du elle en est et etre il ils la le les leur mais "
        "ne nous on ont ou par pas plus pour qu que qui sa se ses son sont sur un une",
        "spanish": "a al como con de del el ella en entre era es esta este esto ha han la las le lo los mas no o "
        "para pero por que se ser si sin sobre su sus un una y",
        "italian": "a ai al alla anche che con come da dal dei del della delle di e ed gli ha i il in la le lo ma "
        "nel nella non o per piu si sono su sul un una",
        "portuguese": "a ao aos as com como da das de do dos e em entre foi mais mas na nas nao no nos o os ou para "
        "pela pelo por que se sem ser sua um uma",
        "dutch": "aan als bij dat de deze die dit door een en er had heeft het in is kan maar met naar niet nog of "
        "om onder ook op over te tot uit van voor waren was wordt worden zijn",
        "swedish": "att av de den det ett efter en eller fran for har i inte med men och om pa som till under var "
        "vid ar",
        "danish": "af at de den der det efter en er et for fra har i ikke men med og om pa som til var ved",
        "norwegian": "av at de den der det en er et etter for fra har i ikke men med og om pa som til var ved",
        "finnish": "ei etta han hanen ja joka jotka kuin mutta mukaan myos niin oli on olla ovat se sen tai vuoden",
        "russian": "а бы в во вы для до его ее если же за и из или их к как ко на не но о об он она они от по при с "
        "со так то у что это",
        "turkish": "bir bu da daha de gibi icin ile ise kadar olan olarak ve veya",
        "hungarian": "a az azt csak de egy es hogy is meg nem vagy volt",
        "romanian": "a al ale au ca cu de din este fi in la mai nu o pe pentru prin sau se si sunt un",
    }.items()
}
LANGUAGES = tuple(FUNCTION_WORDS)
DEFAULT = "english"
_ENOUGH = 0.08  # share of function words from which on they decide; running text has 0.3 and more
_CLEAR = 0.25  # share of the default language's function words that needs no comparison with the others


def language_of(words: Sequence[str]) -> str:
    """The language whose function words are the most frequent among folded words; English where too few say anything.

    A page of a table has hardly any: whatever is chosen there, queries are stemmed in every language.
    """
    total, ours = len(words), FUNCTION_WORDS[DEFAULT]
    if sum(map(ours.__contains__, words)) > _CLEAR * total:
        return DEFAULT
    counts = dict.fromkeys(LANGUAGES, 0)
    for word in words:
        for language in _SPEAKERS.get(word, ()):
            counts[language] += 1
    best = max(LANGUAGES, key=lambda language: (counts[language], language == DEFAULT))
    return best if total and counts[best] >= _ENOUGH * total else DEFAULT


#: {word: the languages that it tells}; single letters are initials and labels in every language.
_SPEAKERS: dict[str, tuple[str, ...]] = {
    word: tuple(language for language in LANGUAGES if word in FUNCTION_WORDS[language])
    for word in set().union(*FUNCTION_WORDS.values())
    if len(word) > 1
}
