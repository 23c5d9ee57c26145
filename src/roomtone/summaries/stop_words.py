"""Words that carry no topic, and the sounds of thinking, in the vendor's languages (contract 2.3).

Short lists of the most frequent function words: enough to tell languages apart and to keep a
ranking off "and" and "the". English is spoken English: it has "yeah", "thing" and "going" too.
"""


def listed(words: str) -> frozenset[str]:
    """Words that are written one after the other, as a set."""
    return frozenset(words.split())


STOP_WORDS: dict[str, frozenset[str]] = {
    "en": listed(
        """a able about actually after again ago all almost alright also always am an and another
        any anybody anyone anything anyway are aren't around as ask asked at away back basically
        be because been before being bit both but by bye called came can can't cannot come comes
        could couldn't day did didn't different do does doesn't doing don't done down each either
        else enough even ever every everybody everyone everything exactly far few first for from
        get gets getting give go goes going gone gonna good got great had hadn't has hasn't have
        haven't having he he'd he'll he's hello her here hers hey hi him his honestly how i i'd
        i'll i'm i've if in into is isn't it it's its itself just kind know last later least let
        let's like little long look looking lot lots made make many may maybe me mean might mine
        more most much must my myself need needs never new next no nobody not nothing now of off
        oh ok okay on once one ones only or other our out over own perfect please pretty probably
        put quite rather real really right said same saw say see seen shall she she'd she'll
        she's should shouldn't since so some somebody someone something sometimes sorry sort
        still such sure take talk tell than thank thanks that that'd that's the their them then
        there there's these they they'd they'll they're they've thing things think this those
        though thought through till time to today together too took try two until up us use used
        very want wanted wants was wasn't way we we'd we'll we're we've well went were weren't
        what what's when where which while who whole why will with without won't would wouldn't
        yeah yep yes yet you you'd you'll you're you've your yours"""
    ),
    "de": listed(
        """aber alle alles als also am an auch auf aus bei beim bin bis bist da damit dann das dass
        dein dem den denn der des dich die dies diese dieser dieses dir doch du durch ein eine
        einem einen einer eines er es etwas euch für gegen gibt haben hat hatte hier hin ich ihm
        ihn ihr ihre im immer in ist ja jetzt kann kein keine können machen mal man mehr mein
        mich mir mit muss nach nicht nichts noch nun nur ob oder ohne schon sehr sein sich sie
        sind so um und uns unser unter viel vom von vor war waren warum was weil wenn wer werden
        wie wieder wir wird wo zu zum zur über"""
    ),
    "hi": listed(
        """अगर अपना अपने अब आप इन इस उन उस एक और कर करना करने कि किया की कुछ के को कोई क्या गया जब
        जा जी जो तक तो था थी थे दो नहीं ने पर फिर बहुत बात भी मैं में मेरा यह यही ये रहा रहे लिए
        लेकिन वह वाले वे वो सकते सब साथ से हम हमारे हाँ हां ही हुआ हुए है हैं हो होता होना"""
    ),
    "sv": listed(
        """alla allt att av bara blev bli blir de dem den denna det detta dig din du där efter eller
        en er ett från få får för ha hade han har hon hur här i ikke inte in ja jag kan kom
        kommer kunde lite man med men mig min mot mycket måste när nej nog nu någon något några
        och om oss på sin sig ska skulle som så till upp ut var vara vi vid vill väl är år över"""
    ),
    "ru": listed(
        """а без более будет будем бы был была были было быть в вам вас вот все всё вы где да даже
        для до его ее её если есть еще ещё же за здесь и из или им их к как какие когда кто ли
        можно мы мне мой на надо нам нас не него нее неё нет ни но ну нужно о об он она они оно
        от по под при про раз с сам себя сейчас со так там тебя то того тоже только ты у уже
        хорошо чем что чтобы это этого этот я"""
    ),
    "pl": listed(
        """a aby ale albo bardzo bez bo by był była było być będzie będziemy chyba ci co czy czyli
        dla dlaczego do dobrze gdzie go i ich ile im ja jak jaki jako je jego jej jest jestem
        jeszcze jeśli już każdy kiedy kto które który która ma mam mamy mi mnie może można my na
        nam nas nie nic no o od on ona oni oraz po pod ponieważ przed przez przy są się sobie ta
        tak tam te tego ten teraz to tu tylko ty tym u w we więc wszystko z za ze że żeby"""
    ),
    "el": listed(
        """αλλά αν ας από αυτά αυτή αυτό αυτός για γιατί δε δεν δύο εγώ εδώ είμαι είναι είχε εμείς
        ένα ένας εσύ έτσι έχει έχουμε έχω η ή θα και κάθε κάνουμε κάτι λοιπόν μας με μετά μη μην
        μια μου μπορεί να ναι ο οι όλα όμως όπως όταν ότι όχι πιο πολύ που πρέπει προς πως σας σε
        σου στα στη στην στις στο στον στους τα τη την της τι τις το τον του τους των τώρα ως"""
    ),
    "fr": listed(
        """ai alors au aussi autre aux avec avez avoir avons bien bon c'est car ce cela ces cette
        comme dans de des donc du elle elles en est et être eu fait faire faut il ils j'ai je
        juste la le les leur lui là ma mais me même mes moi mon ne nos notre nous on ont ou oui
        où par parce pas peu peut plus pour pourquoi qu'on quand que quel quelle qui quoi sa sans
        se ses si son sont suis sur sa ta te toi ton tout toute tous très tu un une va vais vos
        votre vous y ça était"""
    ),
    "nl": listed(
        """aan al alle alles als altijd ben bij daar dan dat de deze die dit doe doen door dus een
        en er even gaan gaat geen goed had heb hebben heeft het hier hij hoe hun ik in is ja je
        jij jou jullie kan kunnen maar me meer men met mij mijn moet moeten na naar nee niet
        niets nog nu of om omdat ons onze ook op over te toch toen tot uit u van veel voor waar
        waarom wat we wel werd wie wij wil worden wordt zal ze zich zijn zo zou"""
    ),
}

FILLERS: dict[str, frozenset[str]] = {
    "en": listed("um umm uh uhh uhm er erm hm hmm mm mmm mhm ah ahh eh oh"),
    "de": listed("äh ähm öh öhm hm hmm mhm"),
    "hi": listed("हम्म उम्म अं"),
    "sv": listed("eh ehm öh öhm hm hmm mhm"),
    "ru": listed("э ээ эээ эм ммм хм"),
    "pl": listed("yyy yy eee ee hm hmm mhm"),
    "el": listed("εε εεε εμ χμ"),
    "fr": listed("euh heu hum hm hmm"),
    "nl": listed("eh ehm uh uhm hm hmm mhm"),
}
"""By language: "um" is a preposition in German, "er" a pronoun."""

UNKNOWN = ""
_ENOUGH = 0.12
"""The share of words that must be the language's: in speech it is 0.3 to 0.6 for the right one."""


def language_of(words: list[str]) -> str:
    """The language with the most function words among ``words``; ``""`` where none has enough."""
    if not words:
        return UNKNOWN
    shares = {
        code: sum(word in known for word in words) / len(words)
        for code, known in STOP_WORDS.items()
    }
    best = max(shares, key=lambda code: shares[code])
    return best if shares[best] >= _ENOUGH else UNKNOWN
