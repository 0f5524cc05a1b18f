"""German words, as buyers type them."""

from functools import cache

from chalicelib.notifications.understanding.signs import Lexicon

_WORDS = {
    "FILLER": """
        bitte, bitteschön, biite, bidde, der, die, das, den, dem, des, ein, eine, einen,
        einem, sie, du, ihr, es, er, mir, mich, uns, mein, meine, meinen, meiner, meinem,
        unser, unsere, unserem, ihre, ihren, wird, werde, werden, war schon, mal, doch, nur,
        auch, gern, gerne doch, sehr, dann, hi, hallo zusammen, guten tag, moin, servus,
        sorry, leider, tut mir leid, entschuldigung, entschuldigen, kurz, eben, einfach,
        schon, so, denn, halt, hier, jetzt, für, fuer mich, für mich, wäre, waere, hätte, hat,
        habe, haben, hab, lg, mfg, gruß, grüße, viele grüße, liebe grüße, zu, vom, endlich,
        noch, wenn möglich, falls möglich, wenn es geht, möglichst, mit freundlichen grüßen,
        uhrzeit, lautet, heißt, ganz, leute, jungs, grüß gott, grüezi, hey, ach, naja, na,
        also, wieder, hallöchen, freundliche grüße, beste grüße, vg, bg, wegen, gibt, einmal,
        bitte bitte, falls es geht, sonnige grüße, ihnen, ihm, euch, euer, eure, echt, total""",
    "THANKS": """
        danke, vielen dank, dankeschön, danke schön, danke sehr, dank, thx, merci, besten
        dank, herzlichen dank, 🙏, ❤, 😊, 🙂, 😘, vielen lieben dank, lieben dank, danke dir,
        danke ihnen, danke vielmals, tausend dank, danke für die info, danke für die
        nachricht, dankee""",
    "OK": """
        ok, okay, okey, alles klar, prima, super, perfekt, gut, toll, klasse, verstanden, top,
        bestens, passt schon, in ordnung, geht klar, bis dann, bis gleich, 👍, 👌, ✅, wunderbar,
        spitze, sehr gut, jut, alles gut, ok gut, jawoll, fein, cool, ok super, supi, passt
        alles, geht in ordnung, na klar ok, bestens danke, okidoki, okee, erhalten""",
    "SEE": "bis später",
    "THEY": "sie sind, mein mann, meine frau, meine mutter, mein sohn",
    "YES": """
        ja, jo, jep, jap, klar, jawohl, einverstanden, ja gerne, gerne, sicher, natürlich, ja
        klar, stimmt so, yes, ja passt, ja klar gerne, aber ja, freilich, genau,
        selbstverständlich, yo, jaa, bitte ja, ja das passt""",
    "NO": """
        nein, nee, ne, nö, lieber nicht, besser nicht, nein danke, 👎, auf keinen fall, nein
        lieber nicht, nicht nötig, nö danke, eher nicht, bloß nicht""",
    "NOT": "nicht, kein, keine, keinen, keiner weise, nie, niemals, nich, net, ned, ohne",
    "NONE": "keins, keines, keine davon, keins davon, nichts davon, keine von denen",
    "AND": "und, u, &, sowie",
    "OR": "oder, /, bzw, sonst",
    "BUT": "aber, jedoch, sondern, allerdings",
    "DOUBT": """
        wenn, falls, vielleicht, evtl, eventuell, warum, wieso, außer, egal, welche, welcher,
        welchen, was, wer, wie, jein, weiß nicht, keine ahnung, mal sehen, kommt drauf an,
        weshalb, irgendwo, irgendwer, statt, anstatt, weil, ob, hoffentlich, sollte, sollten,
        müsste, wessen, notfalls, eigentlich, nur wenn""",
    "PAST": """
        war, waren, gestern, letztes mal, letzte woche, dachte, gesagt, hieß, sagten, sagte,
        letztens, storniert, liegt, lag, liegen, war gestern, stand, stellte, kam""",
    "REQUEST": """
        können sie, kann ich, können wir, können, könnten sie, könnten, kann man, kannst du,
        könntest du, könnt ihr, geht, geht auch, geht das, geht es, möglich, ist es möglich,
        möchte, würde, ich möchte, will, ich will, wollen, hätte gern, hätte gerne, wäre es
        möglich, lieber, bevorzuge, könnten wir, ginge, ginge auch, kann, wünsche""",
    "ASKS": """
        haben sie, habt ihr, hast du, kommt es, ist es, kommt das, kommt mein, kommt heute,
        sind sie, kommen sie, wurde es, ist das""",
    "GOOD": """
        passt, passt mir, passt uns, passt gut, passt besser, wäre besser, wäre gut, ist
        besser, ist gut, ist ok, wäre super, wäre toll, wäre schön, wäre ideal, wäre perfekt,
        besser, am besten, ist prima, reicht, ist ideal, wäre prima, geht gut, ist super, wäre
        mir lieber, ist mir lieber, passt uns besser, wäre top, ist perfekt, geht
        besser, wäre passend, passt perfekt, wäre optimal""",
    "BAD": """
        geht nicht, passt nicht, passt mir nicht, ist schlecht, klappt nicht, geht leider
        nicht, ist blöd""",
    "INSTEAD": "stattdessen, dafür",
    "NUMBER:1": "eins",
    "NUMBER:2": "zwei, zwo",
    "NUMBER:3": "drei",
    "NUMBER:4": "vier",
    "NUMBER:5": "fünf",
    "NUMBER:6": "sechs",
    "NUMBER:7": "sieben",
    "NUMBER:8": "acht",
    "NUMBER:9": "neun",
    "NUMBER:10": "zehn",
    "NUMBER:11": "elf",
    "NUMBER:12": "zwölf",
    "ORDINAL:1": "erste, ersten, erstes, erste option, erster",
    "ORDINAL:2": "zweite, zweiten, zweites, zweite option, zweiter",
    "ORDINAL:3": "dritte, dritten, drittes, dritte option, dritter",
    "LAST": "letzte, letzten, letztes, letzte option",
    "NR": "nr, nummer, hausnummer, hausnr, num, #",
    "PICK": """
        option, nehme, ich nehme, nehmen wir, auswahl, wähle, ich wähle, möchte die, nehm, wir
        nehmen, variante, nehme die, wähle die, wir wählen, ich möchte option, ich hätte gern
        die, entscheide mich für, wahl, gib mir""",
    "TODAY": "heute, heut",
    "TODAY EVENING": "heute abend, heut abend",
    "TODAY AFTERNOON": "heute nachmittag",
    "TODAY MORNING": "heute morgen, heute früh, heute vormittag",
    "TOMORROW": "morgen, mrgn, moin morgen",
    "TOMORROW MORNING": "morgen früh, morgen vormittag, morgens morgen",
    "OVERMORROW": "übermorgen",
    "WEEKDAY:0": "montag, mo, montags",
    "WEEKDAY:1": "dienstag",
    "WEEKDAY:2": "mittwoch, mi",
    "WEEKDAY:3": "donnerstag",
    "WEEKDAY:4": "freitag, fr",
    "WEEKDAY:5": "samstag, sonnabend, sa",
    "WEEKDAY:6": "sonntag",
    "MONTH:1": "januar, jan",
    "MONTH:2": "februar, feb",
    "MONTH:3": "märz",
    "MONTH:4": "april",
    "MONTH:5": "mai",
    "MONTH:6": "juni",
    "MONTH:7": "juli",
    "MONTH:8": "august",
    "MONTH:9": "september",
    "MONTH:10": "oktober",
    "MONTH:11": "november, nov",
    "MONTH:12": "dezember, dez",
    "NEXT": "nächste, nächsten, nächster, nächstes, kommende, kommenden",
    "WEEK": "woche, wochenende, monat",
    "MORNING": "früh, vormittag, vormittags, am vormittag, am morgen, morgens, in der früh, frühs",
    "AFTERNOON": "nachmittag, nachmittags, am nachmittag, nachm",
    "EVENING": "abend, abends, am abend",
    "NOON": "mittag, mittags, am mittag",
    "HALF_TO": "halb",
    "AFTER": "nach, später als, erst nach",
    "BEFORE": "vor, bis spätestens, spätestens, früher als, spätestens um",
    "BETWEEN": "zwischen",
    "UNTIL": "bis, erst um",
    "FROM": "ab, erst ab, von, frühestens, frühestens ab, ab ca",
    "AT": "um, gegen, ca, circa, so um, ungefähr",
    "ANYTIME": "jederzeit, ganztägig, den ganzen tag, irgendwann",
    "LATER": """
        später, ein andermal, anderen tag, einen anderen tag, anderer tag, andere zeit,
        anderer termin, anderen termin, ein anderer tag, etwas später, früher, neuer termin,
        neuen termin, anderes mal, andermal, anderer zeitpunkt, anderes zeitfenster, neuer
        zustelltermin, zu einer anderen zeit, anderer tag wäre besser, verschieben bitte""",
    "MOVE": """
        kommen, komm, kommt, liefern, liefert, bringen, bringt, bring, verschieben,
        verschieben auf, verlegen, ändern, umbuchen, zustellen, vorbeikommen, wiederkommen,
        nochmal kommen, termin, lieferung auf, vorbei kommen, verschiebt, machen,
        vorbeibringen, zustellen lassen, bringen sie es, bringen sie, liefern sie, liefern sie
        es, verschieben sie, verschieben sie es, kommen sie bitte, umlegen, verlegen auf,
        geliefert werden, geliefert bekommen, zustellung auf, lieferung verschieben auf,
        lieferung verschieben, neu zustellen, erneut zustellen, erneut, nochmal, schieben""",
    "LEAVE": """
        abgeben, legen, ablegen, abstellen, stellen, lassen, hinlegen, hinstellen, deponieren,
        geben, leg, legt, stellt, stell, gebt, gib, ab geben, abgegeben werden, hinterlegen,
        liegen lassen, stehen lassen, abzugeben, werfen, legen sie es, stellen sie es, lassen
        sie es, geben sie es, packen, packt, packen sie es, einwerfen, reinlegen, reinstellen,
        da lassen, dalassen, liegenlassen, ablegen lassen, abgeben lassen, deponiert werden""",
    "ASKS LEAVE": "haben sie es abgegeben, wurde es abgegeben",
    "PAST LEAVE": "abgegeben, abgelegt, abgestellt, gelegt, gelassen",
    "WITH": "bei, beim, mit",
    "IN": "in, im, ins",
    "NEAR": """
        hinter, vor die, vor der, vor das, vor dem, unter, neben, auf, an, am, hinterm,
        unterm, an die, auf der, auf die, auf den, vors, vorm, hinters""",
    "PLACE": """
        tür, haustür, hintertür, eingangstür, garage, schuppen, carport, terrasse, mülltonne,
        mülltonnen, tonne, gartenhaus, garten, briefkasten, paketbox, paketkasten, hausflur,
        flur, treppe, treppenhaus, keller, balkon, fußmatte, matte, rezeption, pförtner,
        empfang, pforte, hausmeister, gartentor, tor, gartentür, veranda, vordach,
        wintergarten, scheune, hof, einfahrt, bank, kellertreppe, zaun, gartenhütte,
        ablageort, stufe, eingang, hecke, büro, hausecke, gartenhäuschen, gartenlaube, laube,
        fahrradschuppen, fahrradkeller, kellertür, kellereingang, balkontür, terrassentür,
        garagentor, hoftor, hofeinfahrt, blumentopf, blumenkübel, biotonne, papiertonne,
        restmülltonne, mülleimer, zeitungsrolle, schuhschrank, schuhregal, treppenabsatz,
        vorraum, windfang, foyer, lobby, kiste vor der tür, gartenbank, holzstapel,
        holzschuppen, stall, werkstatt, laden, kiosk, praxis, sekretariat, poststelle, mauer,
        busch, baum, tisch, fensterbank""",
    "NEIGHBOUR": """
        nachbar, nachbarn, nachbarin, nachbbarn, nachbern, nachba, nachbars, nachbarschaft,
        nachbarinnen, nachbarn im, nachbarhaus""",
    "UNIT": "wohnung, whg, haus",
    "TITLE": "frau, herr, herrn, familie, fam, hr, dr",
    "TAKES": """
        nimmt es an, nimmt es, nehmen es an, nimmt das paket an, nimmt an, nimmt sie an, nimmt
        es entgegen""",
    "CODE": """
        code, türcode, torcode, zugangscode, pin, kode, eingangscode, codewort, tor code, tür
        code, zahlencode, zugangs code, der code, haustürcode, tor pin, türpin, code für die
        tür, code für das tor, code fürs tor, zugangsnummer, schlosscode, schlüsselbox code,
        zifferncode""",
    "ENTRY": "haupttor, haupteingang, für die tür, für das tor, fürs tor, zugang",
    "USE": "benutzen, eingeben, drücken, zum öffnen, tippen, verwenden",
    "ME": "ich, wir",
    "IT_IS": "es ist, das ist, ist",
    "SELF": "bin, sind, seid, wir sind, ich bin",
    "HOME": "zuhause, zu hause, daheim, da, anwesend, zuhaus, zu haus, dahoam",
    "AWAY": """
        auf der arbeit, auf arbeit, arbeiten, unterwegs, im urlaub, verreist, weg, nicht
        daheim, außer haus, im büro, abwesend, bei der arbeit, in der arbeit, urlaub, nicht zu
        erreichen, einkaufen, beim arzt, im krankenhaus, außerhalb, in der schule, in der uni,
        auf reisen, im dienst, arbeite, am arbeiten, ausgeflogen""",
    "NOBODY": "niemand, keiner, niemanden",
    "BACK": "zurück, wieder da, wieder zuhause, wieder zu hause",
    "WHERE": """
        wo, wo ist, wo sind, wo bleibt, wo bleiben, wo sind sie, wo seid ihr, wo steckt, wo
        bist du, wie weit, wo genau, wo isn, wo is, wo befindet sich, wo seid, wo sind die, wo
        steht, wo bist, wo steckt ihr, wo bleibt ihr""",
    "WHEN": """
        wann, wann kommt, um wieviel uhr, um wie viel uhr, wieviel uhr, wann kommen, welche
        uhrzeit, wann ungefähr, wann ist, wann ist die, wann circa, wann etwa, ab wann, wann
        wird, wann kann ich, wann kann ich mit, um welche uhrzeit, wann denn, zu welcher
        uhrzeit""",
    "HOWLONG": """
        wie lange, wie lange noch, wie lang noch, wie lange dauert es noch, wie lange dauert,
        wie lange brauchen, wie lang, wie lange braucht, dauert es lange, wie viele stopps,
        wie lange dauerts, dauerts noch lange""",
    "ARRIVE": """
        ankunft, ankommen, da sein, kommen noch, geliefert, kommt noch, kommt ihr, dauert es
        noch, ankommt, zugestellt, da ist, rechnen, geliefert wird, eintreffen, ankunftszeit,
        vorbeikommt""",
    "PARCEL": "paket, packet, bestellung, päckchen, sendung, auftrag, pakete, kiste, pakett, bestelung",
    "PARCEL:1": "lieferung, zustellung, service",
    "PARCEL:2": "produkt, artikel, qualität, wein",
    "DRIVER": "fahrer, bote, lieferant, zusteller, lieferwagen, kurier",
    "WAITING": """
        warte, warten, warte immer noch, ich warte, wir warten, warte noch, warte schon, warte
        seit, immer noch, warten seit, warte seit stunden, seit stunden warten, am warten,
        warte den ganzen tag, immer noch am warten""",
    "NOTHING_YET": """
        noch nichts da, nichts da, noch nicht da, nichts angekommen, noch nichts bekommen,
        nichts bekommen, noch nichts, nicht angekommen, noch nicht angekommen, nicht gekommen,
        noch nicht gekommen, noch keiner da, noch niemand da, nichts gekommen, noch immer
        nichts, immer noch nichts, immer noch nicht da, ist nicht da, kam nichts an, bisher
        nichts, noch nicht erhalten, nicht erhalten, niemand gekommen, keiner gekommen""",
    "NEWS": """
        gibt es neuigkeiten, neuigkeiten, gibts was neues, stand der lieferung, status,
        update, was neues, gibts neuigkeiten, wie ist der stand, was ist der stand,
        sendungsstatus, lieferstatus""",
    "CLOSE": "in der nähe, nah, gleich da, bald da, schon in der nähe",
    "LATE": "zu spät, verspätet, verspätung, ihr seid zu spät, sie sind zu spät",
    "WRONG": """
        falsche, falsch, falscher, stimmt nicht, nicht richtig, ist falsch, nicht korrekt,
        verkehrt, verkehrte, alte, veraltet""",
    "ADDRESS": "adresse, adrese, anschrift, addresse, lieferadresse, adrsse",
    "NOT ADDRESS": "nicht meine adresse, nicht unsere adresse",
    "MOVED": """
        umgezogen, bin umgezogen, wohne da nicht mehr, wohne dort nicht mehr, wohne nicht
        mehr, wohne hier nicht mehr, wohnen nicht mehr dort, wohnen da nicht mehr, wohne nicht
        mehr da, wohne nicht mehr dort, sind umgezogen, wohnen dort nicht mehr, wohnen nicht
        mehr da, neue adresse, habe eine neue adresse, hab eine neue adresse""",
    "PHONE": """
        falsche nummer, falsche person, nichts bestellt, habe nichts bestellt, falscher
        empfänger, verwählt, falsche telefonnummer, bin ich nicht, da haben sie sich verwählt,
        sie haben sich verwählt, ich bin das nicht, hab nichts bestellt, wir haben nichts
        bestellt, kenne ich nicht""",
    "CANCEL": """
        stornieren, storniere, abbrechen, storno, absagen, abbestellen, stornierung,
        stornirren, kündigen""",
    "CANCEL PARCEL": """
        will es nicht mehr, brauche es nicht mehr, ich will es nicht mehr, brauche das paket
        nicht mehr, möchte es nicht mehr""",
    "STOP": "stop, stopp, halt stopp, aufhören",
    "STOP TEXTS": """
        hört auf zu schreiben, hören sie auf, lasst mich in ruhe, lassen sie mich in ruhe, hör
        auf zu schreiben, hört auf, aus dem verteiler, nehmen sie mich raus, lösch meine
        nummer, löschen sie meine nummer, hört auf mir zu schreiben""",
    "NOT TEXTS": """
        keine sms mehr, keine nachrichten mehr, keine sms, keine nachrichten, nicht mehr
        schreiben, keine texte mehr, nicht mehr anschreiben, keine weiteren nachrichten, keine
        weiteren sms, nicht mehr kontaktieren, nicht mehr texten, nix mehr schicken, keine
        nachricht mehr""",
    "TEXTS": "sms, nachrichten, nachricht, schicken, senden, smsen, texte",
    "UNSUBSCRIBE": "abmelden, austragen, abbestellen sms",
    "START": "start, anmelden",
    "HELP": "hilfe, help, info, brauche hilfe",
}


@cache
def lexicon() -> Lexicon:
    """Arrange the words, once."""
    return Lexicon.of(
        "de",
        _WORDS,
        accented={},
        apostrophe="",
        afternoon=(12, 18),
    )
