"""Things to say, all written here: phrase tables in many languages, syllable strings and numbers.

make_sentence() draws one text for a language. Every text belongs by its hash to the training or
to the held-out half, so the two never share a text whatever the seed.
"""

import hashlib

HELD_OUT_LANGUAGE = "it"
_HELD_OUT_SHARE = 0.15

# language: who | does what | where, when or how. Any three make a sentence.
_PHRASES = {
    "en": ("""my brother|the old fisherman|every child|a nervous pilot|our neighbour|the young queen
        |nobody here|your father|the blue bird|some good people|the village judge|a thirsty horse
        |she|they|we both|the woman from Boston|his employer|the busy chef|both of them|you""",
           """bought five fresh apples|would rather walk home|opened the heavy door
        |forgot the whole thing|could hear a strange noise|painted the boat yellow|has lost her keys
        |saw a huge ship|measured the room twice|moved the table|laughed out loud|began to push
        |cooked a pot of soup|watched the fire burn|put the book back|asked for more time
        |joined the choir|chose a purple shirt|may never know why|taught us to swim""",
           """before the rain came|in the middle of the night|near the wooden bridge|without a word
        |above the village|for a few months|with both hands|on the other side|this afternoon
        |behind the garage|after the show|under the apple tree|as usual|by the fireplace
        |because of the weather|with great pleasure|over there|at half past five|again and again
        |from the beginning"""),
    "de": ("mein Bruder|die alte Frau|jedes Kind|unser Nachbar|der müde Bäcker|niemand|das Mädchen"
           "|ihr Freund|der Fluss|wir beide",
           "kauft fünf frische Äpfel|öffnet die schwere Tür|hört ein Geräusch|will nach Hause gehen"
           "|hat den Schlüssel verloren|sieht ein großes Schiff|kocht eine Suppe|zählt bis zwölf"
           "|lacht über den Witz|bewegt den Tisch",
           "vor dem Regen|mitten in der Nacht|bei der Brücke|ohne ein Wort|über dem Dorf"
           "|für ein paar Monate|mit beiden Händen|heute Nachmittag|wie immer|nach der Schule"),
    "fr": ("mon frère|la vieille dame|chaque enfant|notre voisin|le boulanger|personne"
           "|la jeune fille|son ami|le petit oiseau|un bon médecin",
           "achète cinq pommes rouges|ouvre la porte|entend un bruit étrange|veut rentrer chez lui"
           "|a perdu la clé|voit un grand bateau|prépare une soupe|compte jusqu'à huit"
           "|chante une chanson|pousse la table",
           "avant la pluie|au milieu de la nuit|près du pont|sans un mot|au-dessus du village"
           "|pendant quelques mois|avec les deux mains|cet après-midi|comme toujours|chaque jeudi"),
    "es": ("mi hermano|la vieja abuela|cada niño|nuestro vecino|el panadero|nadie|la muchacha"
           "|su amigo|el pájaro azul|el jefe",
           "compra cinco manzanas|abre la puerta|oye un ruido extraño|quiere volver a casa"
           "|perdió la llave|mira un barco grande|prepara una sopa|cuenta hasta ocho"
           "|canta una canción|mueve la mesa",
           "antes de la lluvia|en plena noche|cerca del puente|sin decir palabra|sobre el pueblo"
           "|durante unos meses|con las dos manos|esta tarde|como siempre|junto al fuego"),
    "pt": ("meu irmão|a velha senhora|cada criança|nosso vizinho|o padeiro|ninguém|a menina"
           "|seu amigo|o pássaro|um bom homem",
           "compra cinco maçãs|abre a porta|ouve um barulho|quer voltar para casa|perdeu a chave"
           "|vê um navio grande|prepara uma sopa|conta até oito|canta uma canção|move a mesa",
           "antes da chuva|no meio da noite|perto da ponte|sem uma palavra|sobre a aldeia"
           "|por alguns meses|com as duas mãos|esta tarde|como sempre|ao pé do fogo"),
    "nl": ("mijn broer|de oude vrouw|elk kind|onze buurman|de bakker|niemand|het meisje|haar vriend"
           "|de blauwe vogel|wij beiden",
           "koopt vijf verse appels|opent de zware deur|hoort een vreemd geluid|wil naar huis gaan"
           "|heeft de sleutel verloren|ziet een groot schip|kookt een soep|telt tot acht"
           "|zingt een lied|schuift de tafel weg",
           "voor de regen|midden in de nacht|bij de brug|zonder een woord|boven het dorp"
           "|een paar maanden lang|met beide handen|vanmiddag|zoals altijd|na de muziek"),
    "pl": ("mój brat|stara kobieta|każde dziecko|nasz sąsiad|piekarz|nikt inny|dziewczyna"
           "|jej przyjaciel|niebieski ptak|dobry człowiek",
           "kupuje pięć jabłek|otwiera drzwi|słyszy dziwny dźwięk|chce wrócić do domu|zgubił klucz"
           "|widzi wielki statek|gotuje zupę|liczy do ośmiu|śpiewa piosenkę|przesuwa stół",
           "przed deszczem|w środku nocy|blisko mostu|bez słowa|nad wioską|przez kilka miesięcy"
           "|obiema rękami|dziś po południu|jak zawsze|przy ogniu"),
    "sv": ("min bror|den gamla kvinnan|varje barn|vår granne|bagaren|ingen|flickan|hennes vän"
           "|den blå fågeln|vi båda",
           "köper fem äpplen|öppnar dörren|hör ett konstigt ljud|vill gå hem|har tappat nyckeln"
           "|ser ett stort skepp|kokar en soppa|räknar till åtta|sjunger en sång|flyttar bordet",
           "före regnet|mitt i natten|vid bron|utan ett ord|ovanför byn|i några månader"
           "|med båda händerna|i eftermiddag|som vanligt|bakom huset"),
    "tr": ("kardeşim|yaşlı kadın|her çocuk|komşumuz|fırıncı|hiç kimse|genç kız|arkadaşı|mavi kuş"
           "|iyi bir adam",
           "yağmurdan önce|gece yarısı|köprünün yanında|tek kelime etmeden|köyün üstünde"
           "|birkaç ay boyunca|iki eliyle|bu öğleden sonra|her zamanki gibi|ateşin başında",
           "beş elma alıyor|kapıyı açıyor|garip bir ses duyuyor|eve dönmek istiyor"
           "|anahtarı kaybetti|büyük bir gemi görüyor|çorba pişiriyor|sekize kadar sayıyor"
           "|şarkı söylüyor|masayı itiyor"),
    "ru": ("мой брат|старая женщина|каждый ребёнок|наш сосед|пекарь|никто|девушка|её друг"
           "|синяя птица|хороший человек",
           "покупает пять яблок|открывает дверь|слышит странный звук|хочет пойти домой"
           "|ищет свой ключ|видит большой корабль|варит суп|считает до восьми|поёт песню"
           "|двигает стол",
           "перед дождём|посреди ночи|возле моста|без единого слова|над деревней"
           "|несколько месяцев|обеими руками|сегодня вечером|как всегда|у огня"),
    "fi": ("veljeni|vanha nainen|jokainen lapsi|naapurimme|leipuri|kukaan muu|tyttö|hänen ystävänsä"
           "|sininen lintu|hyvä mies",
           "ostaa viisi omenaa|avaa oven|kuulee oudon äänen|haluaa mennä kotiin|etsii avainta"
           "|näkee suuren laivan|keittää soppaa|laskee kahdeksaan|laulaa laulun|siirtää pöytää",
           "ennen sadetta|keskellä yötä|sillan luona|sanaakaan sanomatta|kylän yllä"
           "|muutaman kuukauden|molemmin käsin|tänään iltapäivällä|kuten aina|tulen äärellä"),
    "cs": ("můj bratr|stará žena|každé dítě|náš soused|pekař|nikdo|mladá dívka|její přítel"
           "|modrý pták|dobrý člověk",
           "kupuje pět jablek|otevírá dveře|slyší divný zvuk|chce jít domů|hledá klíč"
           "|vidí velkou loď|vaří polévku|počítá do osmi|zpívá píseň|hýbe stolem",
           "před deštěm|uprostřed noci|blízko mostu|beze slova|nad vesnicí|několik měsíců"
           "|oběma rukama|dnes odpoledne|jako vždy|u ohně"),
    "hu": ("a bátyám|az öreg asszony|minden gyerek|a szomszédunk|a pék|senki más|a fiatal lány"
           "|a barátja|a kék madár|egy jó ember",
           "öt almát vesz|kinyitja az ajtót|furcsa hangot hall|haza akar menni|keresi a kulcsot"
           "|nagy hajót lát|levest főz|nyolcig számol|énekel egy dalt|tolja az asztalt",
           "az eső előtt|az éjszaka közepén|a híd mellett|egy szó nélkül|a falu fölött"
           "|néhány hónapig|két kézzel|ma délután|mint mindig|a tűznél"),
    "ro": ("fratele meu|bătrâna doamnă|fiecare copil|vecinul nostru|brutarul|nimeni|fata"
           "|prietenul ei|pasărea albastră|un om bun",
           "cumpără cinci mere|deschide ușa|aude un zgomot ciudat|vrea să meargă acasă"
           "|a pierdut cheia|vede o corabie mare|gătește o supă|numără până la opt"
           "|cântă un cântec|mută masa",
           "înainte de ploaie|în miezul nopții|lângă pod|fără un cuvânt|deasupra satului"
           "|câteva luni|cu ambele mâini|în după-amiaza asta|ca întotdeauna|lângă foc"),
    "el": ("ο αδελφός μου|η γριά γυναίκα|κάθε παιδί|ο γείτονας|ο φούρναρης|κανείς|το κορίτσι"
           "|ο φίλος της|το γαλάζιο πουλί|ένας καλός άνθρωπος",
           "αγοράζει πέντε μήλα|ανοίγει την πόρτα|ακούει έναν θόρυβο|θέλει να πάει σπίτι"
           "|έχασε το κλειδί|βλέπει ένα μεγάλο πλοίο|φτιάχνει σούπα|μετράει ως το οκτώ"
           "|λέει ένα τραγούδι|σπρώχνει το τραπέζι",
           "πριν τη βροχή|μέσα στη νύχτα|κοντά στη γέφυρα|χωρίς λέξη|πάνω από το χωριό"
           "|για λίγους μήνες|με τα δύο χέρια|σήμερα το απόγευμα|όπως πάντα|δίπλα στη φωτιά"),
    "id": ("kakak saya|ibu tua itu|setiap anak|tetangga kami|tukang roti|tak seorang pun|gadis itu"
           "|temannya|burung biru|orang baik",
           "membeli lima apel|membuka pintu|mendengar bunyi aneh|mau pulang ke rumah"
           "|mencari kunci|melihat kapal besar|memasak sup|menghitung sampai delapan"
           "|menyanyi lagu|mendorong meja",
           "sebelum hujan|di tengah malam|dekat jembatan|tanpa kata|di atas desa"
           "|selama beberapa bulan|dengan dua tangan|sore ini|seperti biasa|di dekat api"),
    "sw": ("kaka yangu|mama mzee|kila mtoto|jirani yetu|mwokaji|hakuna mtu|msichana|rafiki yake"
           "|ndege wa bluu|mtu mwema",
           "ananunua matunda matano|anafungua mlango|anasikia sauti|anataka kwenda nyumbani"
           "|anatafuta ufunguo|anaona meli kubwa|anapika supu|anahesabu hadi nane"
           "|anaimba wimbo|anasukuma meza",
           "kabla ya mvua|katikati ya usiku|karibu na daraja|bila neno|juu ya kijiji"
           "|kwa miezi michache|kwa mikono miwili|leo mchana|kama kawaida|kando ya moto"),
    "hr": ("moj brat|stara žena|svako dijete|naš susjed|pekar|nitko drugi|mlada djevojka"
           "|njezin prijatelj|plava ptica|dobar čovjek",
           "kupuje pet jabuka|otvara vrata|čuje čudan zvuk|želi ići kući|traži ključ"
           "|vidi veliki brod|kuha juhu|broji do osam|pjeva pjesmu|gura stol",
           "prije kiše|usred noći|blizu mosta|bez riječi|iznad sela|nekoliko mjeseci"
           "|s obje ruke|danas popodne|kao uvijek|pokraj vatre"),
    "ca": ("el meu germà|la vella dona|cada nen|el nostre veí|el forner|ningú|la noia|el seu amic"
           "|l'ocell blau|un bon home",
           "compra cinc pomes|obre la porta|sent un soroll estrany|vol tornar a casa"
           "|ha perdut la clau|veu un gran vaixell|fa una sopa|compta fins a vuit"
           "|canta una cançó|mou la taula",
           "abans de la pluja|enmig de la nit|prop del pont|sense dir res|sobre el poble"
           "|durant uns mesos|amb les dues mans|aquesta tarda|com sempre|vora el foc"),
    "it": ("mio fratello|la vecchia signora|ogni bambino|il nostro vicino|il fornaio|nessuno"
           "|la ragazza|il suo amico|l'uccello azzurro|un buon medico",
           "compra cinque mele|apre la porta|sente uno strano rumore|vuole tornare a casa"
           "|ha perso la chiave|vede una grande nave|prepara una zuppa|conta fino a otto"
           "|canta una canzone|sposta il tavolo",
           "prima della pioggia|nel mezzo della notte|vicino al ponte|senza una parola"
           "|sopra il villaggio|per qualche mese|con tutte e due le mani|questo pomeriggio"
           "|come sempre|accanto al fuoco"),
}
LANGUAGES = tuple(sorted(set(_PHRASES) - {HELD_OUT_LANGUAGE}))

_ONSETS = ("p b m f v t d n s z l r k g h w y sh ch th j br pl fl gr sp st tr kw bl fr sm pr"
           ).split()
_NUCLEI = "a e i o u oo ee ah oh ay ow".split()
_CODAS = ["", "", ""] + "m n p t k s f l b v sh".split()
_NON_LATIN = {"ru": ("п б м ф в т д н с з л р к г х ш ч ж".split(), "а э и о у е ы ю".split()),
              "el": ("π μπ μ φ β τ ντ ν σ ζ λ ρ κ γ χ θ".split(), "α ε ι ο ου".split())}


def is_held_out(text):
    """True for the texts that only validation may speak."""
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") < _HELD_OUT_SHARE * 2 ** 32


def _choice(rng, items):
    return items[int(rng.integers(len(items)))]


def _phrase_sentence(language, rng):
    parts = [[p.strip() for p in part.split("|")] for part in _PHRASES[language]]
    picked = [_choice(rng, part) for part in parts]
    shape = rng.random()
    if shape < 0.15:
        picked = picked[:2]
    elif shape < 0.25:
        picked = picked[1:]
    text = " ".join(picked)
    return text[0].upper() + text[1:] + _choice(rng, ".....?!")


def _syllables(language, rng):
    """Words of no language: sounds in orders that the phrases never have."""
    onsets, nuclei = _NON_LATIN.get(language, (_ONSETS, _NUCLEI))
    codas = [""] if language in _NON_LATIN else _CODAS
    words = []
    for _ in range(int(rng.integers(3, 8))):
        count = int(rng.integers(1, 4))
        word = "".join(_choice(rng, onsets) + _choice(rng, nuclei) for _ in range(count))
        words.append(word + _choice(rng, codas))
    return _choice(rng, (" ", " ", ", ")).join(words) + "."


def _repeats(language, rng):
    """One syllable said many times: steady closing and opening, papa papa."""
    onsets, nuclei = _NON_LATIN.get(language, (_ONSETS, _NUCLEI))
    syllable = _choice(rng, onsets) + _choice(rng, nuclei)
    other = _choice(rng, onsets) + _choice(rng, nuclei)
    return " ".join(_choice(rng, (syllable * 2, syllable, syllable + other))
                    for _ in range(int(rng.integers(3, 7)))) + "."


def _numbers(rng):
    return ", ".join(str(int(rng.integers(0, 10 ** int(rng.integers(1, 4)))))
                     for _ in range(int(rng.integers(2, 5)))) + "."


def make_sentence(language, rng, held_out):
    """One text in a language of LANGUAGES (or the held-out one), about two to four seconds long.

    rng: numpy Generator. held_out: which half the text comes from, see is_held_out().
    """
    while True:
        kind = rng.random()
        if kind < 0.70:
            text = _phrase_sentence(language, rng)
        elif kind < 0.87:
            text = _syllables(language, rng)
        elif kind < 0.94:
            text = _repeats(language, rng)
        else:
            text = _numbers(rng)
        if is_held_out(text) == held_out:
            return text
