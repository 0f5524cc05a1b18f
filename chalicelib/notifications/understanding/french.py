"""French words, as buyers type them."""

from functools import cache

from chalicelib.notifications.understanding.signs import Lexicon

_WORDS = {
    "FILLER": """
        svp, stp, s il vous plait, s il te plait, sil vous plait, sil te plait, sivouplait,
        le, la, les, l, un, une, des, du, de, d, mon, ma, mes, notre, nos, votre, vos, tu, t,
        vous, me, te, se, s, ce, c, cet, cette, est, etes, ai, as, avons, avez, y, en fait,
        ne, n, que, qu, qui est, ca, bonjour monsieur, bonsoir monsieur, madame bonjour,
        desole, desolee, pardon, excusez moi, merci de, juste, tres, bien vouloir, plutot,
        alors, donc, et merci, pour moi, pour nous, moi, ici, si possible, si c est possible,
        si vous pouvez, chui, jsuis, maintenant, sera, serai, serait, tout, cordialement,
        bonne journee, bonne soiree, aussi, encore merci, pour, pour le, pour la, veuillez,
        mettre, l on, monsieur le livreur, sur place, bjr, slt, salut, coucou, hello, bonjour,
        merci bonne journee, bon, bah, ben, alors merci, voila, monsieur merci, bonne fin de
        journee, bien cordialement, cdt, cdlt, s il te plaît, enfin, encore, deja, avoir,
        reviens, meme, heu, euh, allez, il y a, y a, parce, sinon merci, du coup, si vous
        plait, si possible merci, dispo, idealement""",
    "THANKS": """
        merci, merci beaucoup, merci bien, mrc, mci, merci d avance, mille mercis, merci a
        vous, 🙏, ❤, 😊, 🙂, 😘, merci bcp, mercii, merciii, merci infiniment, grand merci, un
        grand merci, merci d avoir prevenu, merci pour l info, merci pour votre message, merci
        encore, je vous remercie, thanks, mersi, remercie""",
    "OK": """
        ok, okay, okk, d accord, dac, daccord, parfait, super, tres bien, genial, ca marche,
        ca roule, nickel, top, entendu, bien recu, compris, c est note, note, impeccable, 👍,
        👌, ✅, excellent, c est bon, bien, ok super, ok parfait, tres bien merci, pas de souci,
        pas de probleme, pas de soucis, aucun souci, cool, good, okey, recu, bien note, c est
        parfait, ca joue, okok, génial""",
    "SEE": "a tout a l heure, a bientot, a plus tard, a plus",
    "SEE TOMORROW": "a demain",
    "SEE OVERMORROW": "a apres demain",
    "SEE TODAY EVENING": "a ce soir",
    "SEE WEEKDAY:0": "a lundi",
    "SEE WEEKDAY:1": "a mardi",
    "SEE WEEKDAY:2": "a mercredi",
    "SEE WEEKDAY:3": "a jeudi",
    "SEE WEEKDAY:4": "a vendredi",
    "SEE WEEKDAY:5": "a samedi",
    "SEE WEEKDAY:6": "a dimanche",
    "THEY": "il, ils, elle, elles, ma femme, mon mari, ma mere, mon fils, mon mec",
    "YES": """
        oui, ouais, ui, yes, bien sur, oui oui, volontiers, avec plaisir, absolument, tout a
        fait, exact, carrement, vas y, allez y, oui svp, oui ca va, oui ca marche, evidemment,
        certainement, mais oui, oui d accord, yep, yes svp, wi""",
    "NO": """
        non, nan, non merci, nope, 👎, surtout pas, pas du tout, non pas possible, nn, non
        desole, non desolee, plutot pas, mieux pas""",
    "NOT": "pas, jamais, plus jamais, aucunement, point, sans, pa",
    "NONE": "aucun, aucune, aucun des trois, aucun de ceux la",
    "AND": "et, &, puis",
    "OR": "ou, ou bien, /, soit, sinon",
    "BUT": "mais, cependant, par contre",
    "DOUBT": """
        si, peut etre, ca depend, je sais pas, je ne sais pas, sais pas, pourquoi, peu
        importe, quel, quelle, lequel, qui, sauf, comment, n importe, n importe lequel,
        quelque part, n importe ou, bof, parce que, au lieu, quoi, ou pas, si jamais, j
        espere, devrait, normalement, seulement, a condition, tant que, dont, combien ca coute""",
    "PAST": """
        etais, etait, hier, la derniere fois, avait, avais, dit, m avait dit, etaient, a ete,
        laissais, pensais, croyais, ete, annule, annulee, laissee, livre, livree, recevais, j
        avais, disait, prevu""",
    "REQUEST": """
        pouvez vous, vous pouvez, pourriez vous, vous pourriez, pouvez, peux tu, tu peux, peut
        on, est ce possible, c est possible, possible, est ce que vous pouvez, est ce qu on
        peut, on peut, je veux, je voudrais, j aimerais, je souhaite, veux, voudrais, je
        prefere, prefere, je prefererais, souhaite, aimerais, je souhaiterais, il faudrait,
        vaut mieux, pourrait on, peut il""",
    "ASKS": """
        vous l avez, l avez vous, avez vous, est ce que, vous avez, est il, etes vous, c est
        pour, tu l as, est ce pour, c est bien""",
    "GOOD": """
        c est mieux, est mieux, me va, me convient, nous convient, serait mieux, c est bon
        pour moi, convient, mieux, va bien, ca me va, ce serait mieux, serait parfait, est
        parfait, ca irait, de preference, c est ok, me va bien, m irait, m arrange, arrange,
        me conviendrait, nous conviendrait, ca serait mieux, serait super, ca serait bien, ce
        serait bien, serait ideal, c est parfait pour moi, ira, ca ira, me va mieux, m
        arrangerait, serait top, c est mieux pour moi, ca me conviendrait""",
    "BAD": """
        ne va pas, va pas, ne me convient pas, me convient pas, ne convient pas, pas possible,
        m arrange pas, c est pas possible, impossible, je peux pas, ne peux pas, peux pas, ca
        va pas""",
    "INSTEAD": "a la place, au lieu d aujourd hui",
    "NUMBER:2": "deux",
    "NUMBER:3": "trois",
    "NUMBER:4": "quatre",
    "NUMBER:5": "cinq",
    "NUMBER:6": "six",
    "NUMBER:7": "sept",
    "NUMBER:8": "huit",
    "NUMBER:9": "neuf",
    "NUMBER:10": "dix",
    "NUMBER:11": "onze",
    "NUMBER:12": "douze",
    "ORDINAL:1": "premier, premiere, premier choix, 1er choix, premiere option",
    "ORDINAL:2": "deuxieme, second, seconde, deuxieme choix, deuxieme option",
    "ORDINAL:3": "troisieme, troisieme choix, troisieme option",
    "LAST": "dernier, derniere, dernier choix, derniere option",
    "NR": "au, numero, num, nr, nro, no, #, numero de maison",
    "PICK": """
        choix, option, je prends, prends, je choisis, choisis, va pour, ok pour, on prend, on
        part sur, je vote, je prendrais, je prendrai, je vais prendre, disons, mettez moi, je
        veux le, je voudrais le, je preferais le, je reserve, creneau, ma reponse, partons
        sur, on choisit""",
    "TODAY": "aujourd hui, auj, ajd, ojd, aujourdhui, ojourdhui",
    "TODAY EVENING": "ce soir",
    "TODAY MORNING": "ce matin",
    "TODAY AFTERNOON": "cet apres midi, cet aprem, cette apres midi",
    "TOMORROW": "demain, dem1, 2main, dmain, demin",
    "OVERMORROW": "apres demain",
    "WEEKDAY:0": "lundi",
    "WEEKDAY:1": "mardi",
    "WEEKDAY:2": "mercredi",
    "WEEKDAY:3": "jeudi",
    "WEEKDAY:4": "vendredi",
    "WEEKDAY:5": "samedi",
    "WEEKDAY:6": "dimanche",
    "MONTH:1": "janvier",
    "MONTH:2": "fevrier",
    "MONTH:3": "mars",
    "MONTH:4": "avril",
    "MONTH:5": "mai",
    "MONTH:6": "juin",
    "MONTH:7": "juillet",
    "MONTH:8": "aout",
    "MONTH:9": "septembre",
    "MONTH:10": "octobre",
    "MONTH:11": "novembre",
    "MONTH:12": "decembre",
    "NEXT": "prochain, prochaine, suivant, suivante",
    "WEEK": "semaine, week end, weekend, mois",
    "MORNING": "matin, le matin, du matin, dans la matinee, matinee, en matinee",
    "AFTERNOON": """
        apres midi, aprem, l apres midi, de l apres midi, l aprem, de l aprem, dans l apres
        midi, aprm""",
    "EVENING": "soir, le soir, du soir, en soiree, soiree, dans la soiree",
    "NOON": "midi",
    "HALF_PAST": "et demie",
    "AFTER": "apres, aprés, plus tard que",
    "BEFORE": "avant, avt, au plus tard",
    "BETWEEN": "entre",
    "UNTIL": "jusqu a, jusque, jusqua, jusqu au",
    "FROM": "a partir de, a partir d, depuis, apartir de, a partir",
    "AT": "vers, aux alentours de, autour de, environ",
    "ANYTIME": "n importe quand, toute la journee, a n importe quelle heure",
    "LATER": """
        plus tard, un autre jour, autre jour, une autre fois, autre moment, un autre moment,
        autre date, une autre date, autre creneau, un autre creneau, plus tot, une autre
        heure, une autre date svp, reprogrammer svp, changer de creneau, changer d heure,
        changer de jour""",
    "MOVE": """
        passer, passez, passe, venir, venez, viens, livrer, livrez, livrez le, livrer le,
        reporter, reportez, decaler, decalez, changer, changez, revenez, revenir, repasser,
        repassez, deplacer, apporter, apportez, remettre, remettez, programmer, livraison le,
        mettre a, livrer demain, faire, repousser, repoussez, decalez le, reportez le,
        reprogrammer, reprogrammez, livrer le colis, changer la livraison, decaler la
        livraison, reporter la livraison, passer me livrer, que vous passiez, me livrer, etre
        livre, etre livree, represente, represententer, represent, revenir plutot, repasser
        plutot, le livrer, la livrer, le reporter, bouger""",
    "LEAVE": """
        laissez, laisser, deposez, deposer, mettez, mettez le, posez, poser, donnez, donner,
        laissez le, laisse le, posez le, deposez le, le laisser, le deposer, le mettre,
        laisser le, le poser, laissez la, remettez le, confiez, confier, laissez les, laissez
        mon colis, laissez le colis, laisser le colis, deposez le colis, donnez le, laissez
        mon paquet, laissez le paquet, laisser mon colis, deposez mon colis, deposer le colis,
        mettez mon colis, mettez le colis, mettre le colis, posez mon colis, glissez le,
        cachez le, planquez le, remettre au, donner au, laisser au, deposer au, confiez le, la
        laisser, les laisser, laissez ca, mettez ca, deposez ca, laissez la commande""",
    "PAST LEAVE": "laisse, depose, pose, mis",
    "WITH": "chez, chez le, avec",
    "IN": "dans, dedans",
    "NEAR": """
        devant, derriere, sous, sur, a cote de, a cote du, pres de, pres du, contre, a l
        exterieur, au dessus de, en dessous de, a l interieur de""",
    "SUFFIX": "bis, ter",
    "TO": "a",
    "PLACE": """
        porte, porte d entree, porte de derriere, garage, porche, portail, boite aux lettres,
        boite a lettres, gardien, gardienne, concierge, accueil, reception, hall, hall d
        entree, jardin, terrasse, balcon, cave, abri, abri de jardin, cabanon, paillasson,
        escalier, palier, entree, poubelle, poubelles, veranda, cour, local poubelle, local
        velo, marche, banc, pot de fleurs, haie, consigne, loge, grange, bac, local a velos,
        local poubelles, cagibi, remise, atelier, veranda arriere, porte de garage, porte du
        garage, porte arriere, porte fenetre, allee, perron, marches, muret, buisson, arbre,
        table, chaise, boite a colis, casier, sas, sas d entree, cellier, buanderie, auvent,
        preau, niche, bureau, secretariat, boutique, boulangerie, pharmacie, tabac, bac a
        fleurs, bac jaune, composteur, tonnelle, carport, cour arriere, cage d escalier,
        ascenseur, mur""",
    "NEIGHBOUR": """
        voisin, voisine, voisins, voisin du dessous, voizin, le voisin, la voisine, voisin d
        en face, voisin d a cote, voisins du, voisine du, voisin au, voisine au""",
    "UNIT": "appartement, appt, appart, apt",
    "TITLE": "mme, madame, monsieur, mr, mlle, famille, m, docteur, dr",
    "TAKES": """
        le prendra, le prend, va le prendre, peut le prendre, le recupere, le receptionne, l
        accepte""",
    "CODE": """
        code, digicode, code porte, code portail, code d entree, code d acces, code de la
        porte, code du portail, interphone code, le code, code portillon, code immeuble, code
        batiment, code entree, code d immeuble, code porte d entree, digi, code hall, code
        acces""",
    "ENTRY": "du portail, de la porte, portillon, de l entree, de l immeuble, immeuble, pour entrer",
    "USE": "utilisez, tapez, composez, pour ouvrir, faites",
    "ME": "je, j, nous",
    "IT_IS": "c est, cest, ce sera",
    "SELF": "on est, suis, sommes, on",
    "HOME": """
        a la maison, chez moi, maison, chez nous, present, presente, presents, suis la, sommes
        la, serai la, serons la, est la, sera la""",
    "AWAY": """
        absent, absente, absents, au travail, au boulot, en vacances, en deplacement, au
        bureau, sorti, sortie, suis pas la, sommes pas la, serai pas la, serons pas la, est
        pas la, pas la, pas a la maison, pas chez moi, pas chez nous, pas dispo, pas
        disponible, sorti faire des courses, en rdv, au bureau toute la journee, a l hopital,
        chez le medecin, en course, en reunion, ne suis pas la, pas a mon domicile, pas
        presents, pas present, pas presente, absent aujourd hui, en voyage, parti, partie,
        partis, parti en week end, serai absent, serai absente, au taf, au taff, pas la
        aujourd hui, sera pas la, pas disponibles, pas là""",
    "NOBODY": "personne",
    "NOBODY HOME": "il n y a personne, y a personne, n y a personne",
    "BACK": "de retour, rentre, je rentre, rentrons, on rentre",
    "WHERE": """
        ou est, ou etes, vous etes ou, t ou, t es ou, ou es tu, est ou, ou en est, il est ou,
        ou en etes vous, ou se trouve, est il ou, elle est ou, ou se trouve mon, vous en etes
        ou, en est ou, ou sont, c est ou, ou il est, il en est ou, ou en est ma, ou en est
        mon, ou est ce que, vous etes ou la, kil est ou, t es ou la, vous etes a quel endroit""",
    "WHEN": """
        quand, a quelle heure, quelle heure, quand est ce que, vers quelle heure, c est quand,
        a kelle heure, quand est ce, a quelle heure est ce, quand est, quand sera, quand vais
        je, quand est ce qu il, vers quelle h, c est pour quand, pour quand, a quel moment,
        quand passez, quand passe, quand arrive, quand viendrez, quelle heure environ, a qu
        elle heure""",
    "HOWLONG": """
        dans combien de temps, combien de temps, combien de temps encore, encore combien de
        temps, encore longtemps, dans combien, vous en avez pour longtemps, il reste combien,
        combien d arrets, ca prend combien de temps, c est long, encore long""",
    "ARRIVE": """
        arrivez, arrive, arrivez vous, arriver, arrivera, vous passez, vient, viendra,
        arrivee, passe aujourd hui, en route, venez vous, vous venez, passez vous, arrives,
        arriverez, passerez, serez la, viendrez, livre aujourd hui, passez aujourd hui, allez
        passer, va arriver, va passer, allez arriver, allez venir""",
    "PARCEL": "colis, commande, paquet, coli, marchandise, envoi, caisse, kolis, comande",
    "PARCEL:1": "livraison, service, la livraison",
    "PARCEL:2": "produit, produits, article, qualite, vin",
    "DRIVER": "livreur, chauffeur, camion, transporteur, coursier, camionnette",
    "WAITING": """
        attends, j attends, attends toujours, attend, on attend, nous attendons, j attends
        toujours, attendre, attends encore, attends depuis ce matin, l attends, attends toute
        la journee, attends toujours mon, en attente""",
    "NOTHING_YET": """
        toujours rien, toujours rien recu, rien recu, pas recu, pas encore recu, toujours pas
        recu, pas arrive, pas encore arrive, toujours pas arrive, toujours pas la, rien
        encore, pas encore la, toujours pas, rien n est arrive, pas encore passe, jamais recu,
        toujours personne, jamais arrive, pas eu, pas passe, toujours pas passe, n ai rien
        recu, ai rien recu, pas livre, toujours pas livre""",
    "NEWS": """
        des nouvelles, du nouveau, une info, suivi, nouvelles, statut, avez vous des
        nouvelles, vous avez des nouvelles, statut de ma, suivi de, quoi de neuf, une
        nouvelle, des infos""",
    "CLOSE": "proche, pas loin, bientot la, bientot, tout pres",
    "LATE": "en retard, retard",
    "WRONG": """
        mauvaise, mauvais, fausse, faux, incorrecte, erronee, pas bonne, pas la bonne, pas
        correcte, trompe, ancienne""",
    "ADDRESS": "adresse, adrese, adresse de livraison, addresse, adress",
    "NOT ADDRESS": "pas mon adresse, pas notre adresse, pas la bonne adresse, pas ma maison",
    "MOVED": """
        demenage, ai demenage, habite plus la, habite plus ici, habite plus a cette adresse, n
        habite plus la, plus la bas, habitons plus la, n habite pas la, habite pas la, ai
        change d adresse, change d adresse, avons demenage, n habitons plus, n est plus mon
        adresse, plus mon adresse, plus la bonne adresse""",
    "PHONE": """
        mauvais numero, trompez de numero, vous trompez de numero, trompe de numero, vous vous
        trompez, mauvaise personne, rien commande, pas moi, faux numero, erreur de numero, pas
        le bon numero, vous faites erreur, pas la bonne personne, n ai rien commande, ai rien
        commande, jamais rien commande, c est pas moi, ce n est pas moi, vous etes trompe,
        vous etes trompe de numero, erreur""",
    "CANCEL": "annuler, annulez, annulation, anuler, anulez",
    "CANCEL PARCEL": """
        n en veux plus, annulez la, annulez tout ca, annuler la commande, annulez la commande,
        annuler tout, n en veux plus du tout, veux plus de la commande""",
    "STOP": "stop, arret, arretez, arrete, arreter",
    "STOP TEXTS": """
        arretez de m envoyer, arretez de m ecrire, laissez moi tranquille, foutez moi la paix,
        arrete de m ecrire, ne m ecrivez plus, arretez les, arretez de m envoyer des, arretez
        de me contacter, fichez moi la paix, retirez moi, retirez moi de la liste, supprimez
        mon numero, arretez de m embeter""",
    "NOT TEXTS": """
        plus de sms, plus de messages, ne plus recevoir, plus de texto, plus de textos, plus
        recevoir de, ne m envoyez plus de, ne m envoyez plus, ne plus recevoir de, ne me
        contactez plus, ne plus me contacter""",
    "TEXTS": "sms, messages, message, textos, texto",
    "UNSUBSCRIBE": """
        desabonner, desabonnez moi, desinscrire, desinscription, desabonnement, me desabonner,
        desinscrivez moi""",
    "START": "start, reabonner",
    "HELP": "aide, aidez moi, help, info, besoin d aide",
}


@cache
def lexicon() -> Lexicon:
    """Arrange the words, once."""
    return Lexicon.of(
        "fr",
        _WORDS,
        accented={
            "PAST": "annulé, annulée, livré, livrée, arrêté, reporté, reportée, changé, décalé, passé",
            "PAST LEAVE": "laissé, laissée, déposé, déposée, posé, posée, donné",
        },
        apostrophe=" ",
        afternoon=(12, 18),
    )
