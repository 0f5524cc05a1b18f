"""What the buyer's page says, in each language; every sentence is here, none in the template.

Weak point: a number beside a noun is only said of stops, in the three forms that these languages need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from chalicelib.promises.model import ChangeKind, Outcome, PromiseState, Refusal
from chalicelib.tracking.model import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """One language.

    Attributes
    ----------
    weekdays, months
        Monday and January first.
    day
        A date, of `{weekday}`, `{day}` and `{month}`.
    stops
        Deliveries before this one: none, one, `{count}`.
    """

    language: str
    title: str
    today: str
    tomorrow: str
    weekdays: Sequence[str]
    months: Sequence[str]
    day: str
    states: Mapping[PromiseState, str]
    expected: str
    stops: tuple[str, str, str]
    causes: Mapping[Cause, str]
    late: str
    before: str
    outcomes: Mapping[Outcome, str]
    map_label: str
    van_seen: str
    roads: str
    score_title: str
    score_product: str
    score_delivery: str
    score_from: str
    score_to: str
    comment: str
    send: str
    scored: str
    call: str
    not_found_title: str
    not_found: str
    refused_title: str
    change_title: str
    offers_title: str
    change_slot: str
    which_slot: str
    change_neighbour: str
    which_neighbour: str
    change_safe_place: str
    which_safe_place: str
    change_gate_code: str
    which_gate_code: str
    change_cancel: str
    sure_to_cancel: str
    until: str
    dones: Mapping[ChangeKind, str]
    refusals: Mapping[Refusal, str]
    go_back: str

    def day_of(self, day: date, today: date) -> str:
        """Name a date as a person would who is told today."""
        if day == today:
            return self.today
        if day == today + timedelta(days=1):
            return self.tomorrow
        weekday, month = self.weekdays[day.weekday()], self.months[day.month - 1]
        return self.day.format(weekday=weekday, day=day.day, month=month)

    def stops_before(self, count: int) -> str:
        """Say how many deliveries the van makes first."""
        return self.stops[min(count, 2)].format(count=count)


ENGLISH: Final = PageWords(
    language="en",
    title="Your delivery",
    today="Today",
    tomorrow="Tomorrow",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
    day="{weekday} {day} {month}",
    states={
        PromiseState.CONFIRMED: "Booked",
        PromiseState.OUT_FOR_DELIVERY: "On its way",
        PromiseState.ARRIVING: "You are next",
        PromiseState.DELIVERED: "Delivered",
        PromiseState.RETURNED_TO_SENDER: "Going back to the shop",
        PromiseState.CANCELLED: "Cancelled",
    },
    expected="Expected about {time}, between {earliest} and {latest}",
    stops=("You are the next stop", "1 stop before you", "{count} stops before you"),
    causes={
        Cause.YOU_ASKED: "Moved as you asked.",
        Cause.SHOP_ASKED: "The shop moved your delivery.",
        Cause.NOT_HOME: "We missed you at the door.",
        Cause.NO_ACCESS: "We could not get to your door.",
        Cause.WRONG_ADDRESS: "We could not find the address.",
        Cause.ATTEMPT_FAILED: "We could not deliver; that was our fault.",
        Cause.TRAFFIC: "The van is held up.",
        Cause.ROAD_CLOSED: "A road on the way is closed.",
        Cause.VAN_BROKE_DOWN: "The van has broken down.",
    },
    late="We may not make it in time.",
    before="Before: {window}",
    outcomes={
        Outcome.DELIVERED_TO_RECIPIENT: "Handed over",
        Outcome.DELIVERED_TO_NEIGHBOUR: "Left with a neighbour",
        Outcome.DELIVERED_TO_SAFE_PLACE: "Left in the safe place",
        Outcome.DELIVERED_TO_MAILBOX: "Left in the mailbox",
    },
    map_label="The van is about {metres} metres from your door.",
    van_seen="Where the van was at {time}",
    roads="Roads © OpenStreetMap contributors",
    score_title="How did it go?",
    score_product="How likely are you to recommend what you bought?",
    score_delivery="How likely are you to recommend how it was delivered?",
    score_from="0 is not at all",
    score_to="10 is very likely",
    comment="Anything you want to tell the shop (optional)",
    send="Send",
    scored="Thank you. You gave {product} for what you bought and {delivery} for how it came.",
    call="Questions? Call",
    not_found_title="This page does not exist",
    not_found="The link may be cut short, or the delivery was long ago.",
    refused_title="That did not work",
    change_title="Change something",
    offers_title="Choose another time",
    change_slot="Another time",
    which_slot="Which one suits you?",
    change_neighbour="Leave it with a neighbour",
    which_neighbour="Name or house number",
    change_safe_place="Leave it in a safe place",
    which_safe_place="Where?",
    change_gate_code="Tell us the gate code",
    which_gate_code="Gate code",
    change_cancel="Cancel this delivery",
    sure_to_cancel="You cannot take this back here.",
    until="You can move or cancel it until about {time}.",
    dones={
        ChangeKind.SLOT: "Done: {window}",
        ChangeKind.ADDRESS: "Done: we bring it to the new address.",
        ChangeKind.NEIGHBOUR: "Done: we try your neighbour.",
        ChangeKind.SAFE_PLACE: "Done: we leave it in the safe place.",
        ChangeKind.GATE_CODE: "Done: the driver has the code.",
        ChangeKind.CANCEL: "Done: the delivery is cancelled.",
    },
    refusals={
        Refusal.SLOT_TAKEN: "That time is gone. These are still free.",
        Refusal.CUTOFF_PASSED: "It is too late to move it. What you see below is still possible.",
        Refusal.FINISHED: "There is nothing left to change.",
        Refusal.OUT_OF_AREA: "We do not drive there.",
        Refusal.NO_ROUTE_FIT: "No van can reach that address in this window.",
        Refusal.HANDOVER_IN_PERSON: "Somebody has to take this one in person.",
        Refusal.VAN_ON_ITS_WAY: "The van is on its way to you already. What you see below is still possible.",
    },
    go_back="Please go back and choose again.",
)

SPANISH: Final = PageWords(
    language="es",
    title="Tu entrega",
    today="Hoy",
    tomorrow="Mañana",
    weekdays=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    months=(
        *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio"),
        *("agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
    day="El {weekday} {day} de {month}",
    states={
        PromiseState.CONFIRMED: "Reservada",
        PromiseState.OUT_FOR_DELIVERY: "En camino",
        PromiseState.ARRIVING: "Eres la próxima parada",
        PromiseState.DELIVERED: "Entregada",
        PromiseState.RETURNED_TO_SENDER: "Vuelve a la tienda",
        PromiseState.CANCELLED: "Cancelada",
    },
    expected="Llegada prevista hacia las {time}, entre las {earliest} y las {latest}",
    stops=("Eres la próxima parada", "1 parada antes de la tuya", "{count} paradas antes de la tuya"),
    causes={
        Cause.YOU_ASKED: "Cambiada como pediste.",
        Cause.SHOP_ASKED: "La tienda ha cambiado tu entrega.",
        Cause.NOT_HOME: "No te encontramos en casa.",
        Cause.NO_ACCESS: "No pudimos llegar a tu puerta.",
        Cause.WRONG_ADDRESS: "No encontramos la dirección.",
        Cause.ATTEMPT_FAILED: "No pudimos entregar; fue culpa nuestra.",
        Cause.TRAFFIC: "La furgoneta va con retraso.",
        Cause.ROAD_CLOSED: "Hay una calle cortada en el camino.",
        Cause.VAN_BROKE_DOWN: "La furgoneta se ha averiado.",
    },
    late="Es posible que no lleguemos a tiempo.",
    before="Antes: {window}",
    outcomes={
        Outcome.DELIVERED_TO_RECIPIENT: "Entregada en mano",
        Outcome.DELIVERED_TO_NEIGHBOUR: "Entregada a un vecino",
        Outcome.DELIVERED_TO_SAFE_PLACE: "Dejada en el lugar seguro",
        Outcome.DELIVERED_TO_MAILBOX: "Dejada en el buzón",
    },
    map_label="La furgoneta está a unos {metres} metros de tu puerta.",
    van_seen="Dónde estaba la furgoneta a las {time}",
    roads="Calles © colaboradores de OpenStreetMap",
    score_title="¿Qué tal fue?",
    score_product="¿Recomendarías lo que compraste?",
    score_delivery="¿Recomendarías cómo te lo entregamos?",
    score_from="0 es nada probable",
    score_to="10 es muy probable",
    comment="Algo que quieras decir a la tienda (opcional)",
    send="Enviar",
    scored="Gracias. Has dado un {product} a la compra y un {delivery} a la entrega.",
    call="¿Preguntas? Llama al",
    not_found_title="Esta página no existe",
    not_found="Puede que el enlace esté incompleto o que la entrega fuera hace mucho.",
    refused_title="No ha funcionado",
    change_title="Cambiar algo",
    offers_title="Elige otra hora",
    change_slot="Otra hora",
    which_slot="¿Cuál te viene bien?",
    change_neighbour="Dejarla a un vecino",
    which_neighbour="Nombre o número de casa",
    change_safe_place="Dejarla en un lugar seguro",
    which_safe_place="¿Dónde?",
    change_gate_code="Decirnos el código del portal",
    which_gate_code="Código",
    change_cancel="Cancelar esta entrega",
    sure_to_cancel="Aquí no se puede deshacer.",
    until="Puedes moverla o cancelarla hasta las {time} aproximadamente.",
    dones={
        ChangeKind.SLOT: "Hecho: {window}",
        ChangeKind.ADDRESS: "Hecho: la llevamos a la nueva dirección.",
        ChangeKind.NEIGHBOUR: "Hecho: probamos con tu vecino.",
        ChangeKind.SAFE_PLACE: "Hecho: la dejamos en el lugar seguro.",
        ChangeKind.GATE_CODE: "Hecho: el conductor tiene el código.",
        ChangeKind.CANCEL: "Hecho: la entrega está cancelada.",
    },
    refusals={
        Refusal.SLOT_TAKEN: "Esa hora ya no está. Estas siguen libres.",
        Refusal.CUTOFF_PASSED: "Es tarde para moverla. Lo de abajo aún es posible.",
        Refusal.FINISHED: "Ya no queda nada que cambiar.",
        Refusal.OUT_OF_AREA: "No llegamos hasta allí.",
        Refusal.NO_ROUTE_FIT: "Ninguna furgoneta llega a esa dirección en esa franja.",
        Refusal.HANDOVER_IN_PERSON: "Alguien tiene que recibirla en persona.",
        Refusal.VAN_ON_ITS_WAY: "La furgoneta ya va hacia ti. Lo de abajo aún es posible.",
    },
    go_back="Vuelve atrás y elige de nuevo.",
)

GERMAN: Final = PageWords(
    language="de",
    title="Deine Lieferung",
    today="Heute",
    tomorrow="Morgen",
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli"),
        *("August", "September", "Oktober", "November", "Dezember"),
    ),
    day="{weekday}, {day}. {month}",
    states={
        PromiseState.CONFIRMED: "Gebucht",
        PromiseState.OUT_FOR_DELIVERY: "Unterwegs",
        PromiseState.ARRIVING: "Du bist als Nächstes dran",
        PromiseState.DELIVERED: "Zugestellt",
        PromiseState.RETURNED_TO_SENDER: "Geht zurück an den Laden",
        PromiseState.CANCELLED: "Storniert",
    },
    expected="Voraussichtlich gegen {time}, zwischen {earliest} und {latest}",
    stops=("Du bist der nächste Halt", "1 Halt vor dir", "{count} Halte vor dir"),
    causes={
        Cause.YOU_ASKED: "Verlegt, wie du wolltest.",
        Cause.SHOP_ASKED: "Der Laden hat deine Lieferung verlegt.",
        Cause.NOT_HOME: "Wir haben dich nicht angetroffen.",
        Cause.NO_ACCESS: "Wir kamen nicht bis zu deiner Tür.",
        Cause.WRONG_ADDRESS: "Wir haben die Adresse nicht gefunden.",
        Cause.ATTEMPT_FAILED: "Wir konnten nicht zustellen; das lag an uns.",
        Cause.TRAFFIC: "Der Wagen wird aufgehalten.",
        Cause.ROAD_CLOSED: "Eine Straße auf dem Weg ist gesperrt.",
        Cause.VAN_BROKE_DOWN: "Der Wagen hat eine Panne.",
    },
    late="Wir schaffen es vielleicht nicht rechtzeitig.",
    before="Vorher: {window}",
    outcomes={
        Outcome.DELIVERED_TO_RECIPIENT: "Übergeben",
        Outcome.DELIVERED_TO_NEIGHBOUR: "Bei den Nachbarn abgegeben",
        Outcome.DELIVERED_TO_SAFE_PLACE: "Am sicheren Ort abgelegt",
        Outcome.DELIVERED_TO_MAILBOX: "In den Briefkasten gelegt",
    },
    map_label="Der Wagen ist etwa {metres} Meter von deiner Tür entfernt.",
    van_seen="Wo der Wagen um {time} war",
    roads="Straßen © OpenStreetMap-Mitwirkende",
    score_title="Wie war es?",
    score_product="Würdest du empfehlen, was du gekauft hast?",
    score_delivery="Würdest du empfehlen, wie es gebracht wurde?",
    score_from="0 heißt gar nicht",
    score_to="10 heißt sehr gern",
    comment="Was du dem Laden sagen willst (freiwillig)",
    send="Senden",
    scored="Danke. Du hast dem Kauf eine {product} und der Lieferung eine {delivery} gegeben.",
    call="Fragen? Ruf an:",
    not_found_title="Diese Seite gibt es nicht",
    not_found="Vielleicht ist der Link unvollständig, oder die Lieferung ist lange her.",
    refused_title="Das hat nicht geklappt",
    change_title="Etwas ändern",
    offers_title="Wähle eine andere Zeit",
    change_slot="Andere Zeit",
    which_slot="Welche passt dir?",
    change_neighbour="Bei den Nachbarn abgeben",
    which_neighbour="Name oder Hausnummer",
    change_safe_place="An einem sicheren Ort ablegen",
    which_safe_place="Wo?",
    change_gate_code="Türcode mitteilen",
    which_gate_code="Türcode",
    change_cancel="Lieferung stornieren",
    sure_to_cancel="Das lässt sich hier nicht zurücknehmen.",
    until="Verlegen oder stornieren geht bis etwa {time}.",
    dones={
        ChangeKind.SLOT: "Erledigt: {window}",
        ChangeKind.ADDRESS: "Erledigt: Wir bringen sie an die neue Adresse.",
        ChangeKind.NEIGHBOUR: "Erledigt: Wir versuchen es bei den Nachbarn.",
        ChangeKind.SAFE_PLACE: "Erledigt: Wir legen sie am sicheren Ort ab.",
        ChangeKind.GATE_CODE: "Erledigt: Der Fahrer hat den Code.",
        ChangeKind.CANCEL: "Erledigt: Die Lieferung ist storniert.",
    },
    refusals={
        Refusal.SLOT_TAKEN: "Diese Zeit ist vergeben. Diese sind noch frei.",
        Refusal.CUTOFF_PASSED: "Zum Verlegen ist es zu spät. Was unten steht, geht noch.",
        Refusal.FINISHED: "Es gibt nichts mehr zu ändern.",
        Refusal.OUT_OF_AREA: "Dorthin fahren wir nicht.",
        Refusal.NO_ROUTE_FIT: "Kein Wagen schafft diese Adresse in diesem Zeitfenster.",
        Refusal.HANDOVER_IN_PERSON: "Sie muss persönlich angenommen werden.",
        Refusal.VAN_ON_ITS_WAY: "Der Wagen ist schon auf dem Weg zu dir. Was unten steht, geht noch.",
    },
    go_back="Bitte geh zurück und wähle noch einmal.",
)

FRENCH: Final = PageWords(
    language="fr",
    title="Votre livraison",
    today="Aujourd'hui",
    tomorrow="Demain",
    weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    months=(
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet"),
        *("août", "septembre", "octobre", "novembre", "décembre"),
    ),
    day="Le {weekday} {day} {month}",
    states={
        PromiseState.CONFIRMED: "Réservée",
        PromiseState.OUT_FOR_DELIVERY: "En route",
        PromiseState.ARRIVING: "Vous êtes le prochain arrêt",
        PromiseState.DELIVERED: "Livrée",
        PromiseState.RETURNED_TO_SENDER: "Retourne au magasin",
        PromiseState.CANCELLED: "Annulée",
    },
    expected="Prévue vers {time}, entre {earliest} et {latest}",
    stops=("Vous êtes le prochain arrêt", "1 arrêt avant vous", "{count} arrêts avant vous"),
    causes={
        Cause.YOU_ASKED: "Déplacée à votre demande.",
        Cause.SHOP_ASKED: "Le magasin a déplacé votre livraison.",
        Cause.NOT_HOME: "Nous ne vous avons pas trouvé.",
        Cause.NO_ACCESS: "Nous n'avons pas pu atteindre votre porte.",
        Cause.WRONG_ADDRESS: "Nous n'avons pas trouvé l'adresse.",
        Cause.ATTEMPT_FAILED: "Nous n'avons pas pu livrer ; c'est notre faute.",
        Cause.TRAFFIC: "La camionnette est retardée.",
        Cause.ROAD_CLOSED: "Une route est fermée sur le trajet.",
        Cause.VAN_BROKE_DOWN: "La camionnette est en panne.",
    },
    late="Nous risquons de ne pas être à l'heure.",
    before="Avant : {window}",
    outcomes={
        Outcome.DELIVERED_TO_RECIPIENT: "Remise en main propre",
        Outcome.DELIVERED_TO_NEIGHBOUR: "Remise à un voisin",
        Outcome.DELIVERED_TO_SAFE_PLACE: "Déposée à l'endroit convenu",
        Outcome.DELIVERED_TO_MAILBOX: "Déposée dans la boîte aux lettres",
    },
    map_label="La camionnette est à environ {metres} mètres de votre porte.",
    van_seen="Où était la camionnette à {time}",
    roads="Routes © les contributeurs d'OpenStreetMap",
    score_title="Comment cela s'est-il passé ?",
    score_product="Recommanderiez-vous ce que vous avez acheté ?",
    score_delivery="Recommanderiez-vous la façon dont c'est arrivé ?",
    score_from="0 : pas du tout",
    score_to="10 : tout à fait",
    comment="Un mot pour le magasin (facultatif)",
    send="Envoyer",
    scored="Merci. Vous avez donné {product} à l'achat et {delivery} à la livraison.",
    call="Des questions ? Appelez le",
    not_found_title="Cette page n'existe pas",
    not_found="Le lien est peut-être incomplet, ou la livraison est ancienne.",
    refused_title="Cela n'a pas marché",
    change_title="Changer quelque chose",
    offers_title="Choisissez un autre horaire",
    change_slot="Un autre horaire",
    which_slot="Lequel vous convient ?",
    change_neighbour="Laisser chez un voisin",
    which_neighbour="Nom ou numéro",
    change_safe_place="Laisser dans un endroit sûr",
    which_safe_place="Où ?",
    change_gate_code="Donner le code d'entrée",
    which_gate_code="Code",
    change_cancel="Annuler cette livraison",
    sure_to_cancel="On ne peut pas revenir en arrière ici.",
    until="Vous pouvez la déplacer ou l'annuler jusque vers {time}.",
    dones={
        ChangeKind.SLOT: "C'est fait : {window}",
        ChangeKind.ADDRESS: "C'est fait : nous livrons à la nouvelle adresse.",
        ChangeKind.NEIGHBOUR: "C'est fait : nous essayons chez votre voisin.",
        ChangeKind.SAFE_PLACE: "C'est fait : nous la laissons à l'endroit convenu.",
        ChangeKind.GATE_CODE: "C'est fait : le chauffeur a le code.",
        ChangeKind.CANCEL: "C'est fait : la livraison est annulée.",
    },
    refusals={
        Refusal.SLOT_TAKEN: "Cet horaire n'est plus libre. Ceux-ci le sont encore.",
        Refusal.CUTOFF_PASSED: "Il est trop tard pour la déplacer. Ce qui suit est encore possible.",
        Refusal.FINISHED: "Il n'y a plus rien à changer.",
        Refusal.OUT_OF_AREA: "Nous ne livrons pas là-bas.",
        Refusal.NO_ROUTE_FIT: "Aucune camionnette n'atteint cette adresse dans ce créneau.",
        Refusal.HANDOVER_IN_PERSON: "Quelqu'un doit la recevoir en personne.",
        Refusal.VAN_ON_ITS_WAY: "La camionnette est déjà en route. Ce qui suit est encore possible.",
    },
    go_back="Revenez en arrière et choisissez de nouveau.",
)

LANGUAGES: Final = {words.language: words for words in (ENGLISH, SPANISH, GERMAN, FRENCH)}


def words_for(*locales: str | None) -> PageWords:
    """The first of these locales' languages that the page speaks; English, if it speaks none."""
    for locale in locales:
        found = LANGUAGES.get((locale or "").replace("_", "-").split("-")[0].lower())
        if found is not None:
            return found
    return ENGLISH
