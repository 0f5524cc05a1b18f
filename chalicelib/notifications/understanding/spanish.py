"""Spanish words, as buyers type them."""

from functools import cache

from chalicelib.notifications.understanding.signs import Lexicon

_WORDS = {
    "FILLER": """
        por favor, porfa, porfavor, pf, plis, xfa, xfavor, el, la, los, las, lo, le, les, un,
        una, unos, mi, mis, su, sus, tu, me, te, se, nos, os, esta, este, esto, ese, eso, esa,
        que sea, que, de, del, al, y gracias, hola buenas, buenas, buenos dias, buenas tardes,
        buenas noches, muy, ya, aqui, ahi, alli, lo siento, perdon, perdona, disculpe,
        disculpa, disculpen, ahora, para, para mi, solo, también, bueno, pues, si no le
        importa, si puede ser, si es posible, si no es molestia, todo, casa mia, he, ha, han,
        hemos, hay, ser, no hay problema, sea, tio, guapo, x favor, entonces, va, por, tenga,
        porfi, buen dia, saludos cordiales, mismo, todavia, aun, amigo, si puedes, si pueden,
        si podeis, cordialmente, seria, lo de, favor""",
    "THANKS": """
        gracias, muchas gracias, mil gracias, graciasss, grax, grs, gracia, grcias, se
        agradece, muy amable, un saludo, saludos, 🙏, ❤, 😊, 🙂, 😘, gracias por todo, muchisimas
        gracias, gracias por avisar, gracias por la informacion, thanks, se lo agradezco, os
        lo agradezco""",
    "OK": """
        ok, okey, oki, vale, genial, perfecto, estupendo, de acuerdo, muy bien, bien,
        entendido, listo, guay, recibido, hasta luego, 👍, 👌, ✅, fenomenal, excelente,
        buenisimo, todo bien ok, de lujo, todo bien, enterado, enterada, vale vale, okk, bueno
        vale, okay, todo ok, todo perfecto, esta bien, perfecta""",
    "SEE TOMORROW": "hasta mañana",
    "SEE": "nos vemos, nos vemos el, nos vemos pronto",
    "THEY": "ellos, ella, mi mujer, mi marido, mi madre, mi hijo, mi padre",
    "YES": """
        si claro, claro, claro que si, por supuesto, sip, sii, adelante, correcto, si, si por
        favor, si gracias, dale, venga si, desde luego, afirmativo""",
    "NO": "no gracias, mejor no, nop, 👎, para nada, no hace falta, negativo, prefiero que no",
    "NOT": "no, ni, nunca, tampoco, jamas, sin",
    "NONE": "ninguna, ninguno, ninguna de ellas, ninguna de esas",
    "AND": "y, e, mas, &",
    "OR": "o, u, /",
    "BUT": "pero, aunque, sino",
    "DOUBT": """
        no se, no lo se, si es, si no, quiza, quizas, a lo mejor, depende, por que, porque,
        cualquiera, cual, como, excepto, menos, salvo, quien, cuando no, en vez de la, donde
        sea, que es, cancelo, cancelada, ojala, deberia""",
    "PAST": """
        estaba, ayer, era, dijeron, dicho, la ultima vez, dejaron, dije, habia, habian, fue,
        cancelado, cancelaron, han cancelado, pedi, recibi, dejasteis, cancele ayer""",
    "REQUEST": """
        puede, pueden, puedes, podeis, podria, podrian, podrias, podriais, puede ser, podria
        ser, lo puede, lo pueden, me lo puede, me lo pueden, seria posible, es posible, se
        puede, quiero, quisiera, necesito, prefiero, preferiria, me gustaria, quería, queria,
        deseo, queremos""",
    "PAST LEAVE": """
        lo dejo, lo dejaron, lo dejaste, lo habeis dejado, lo han dejado, lo dejasteis, lo ha
        dejado""",
    "ASKS": "va a, van a, es que, habeis",
    "GOOD": """
        mejor, es mejor, me va bien, nos va bien, me viene bien, nos viene bien, seria mejor,
        estaria bien, perfecto para mi, me va mejor, me viene mejor, va bien, me parece bien,
        iria bien, seria ideal""",
    "BAD": """
        no me va bien, no me viene bien, no puedo, me va mal, me viene mal, no va bien, no
        podemos, imposible, no puedo hoy""",
    "INSTEAD": "en su lugar, en vez de hoy, en lugar de hoy",
    "NUMBER:1": "uno",
    "NUMBER:2": "dos",
    "NUMBER:3": "tres",
    "NUMBER:4": "cuatro",
    "NUMBER:5": "cinco",
    "NUMBER:6": "seis",
    "NUMBER:7": "siete",
    "NUMBER:8": "ocho",
    "NUMBER:9": "nueve",
    "NUMBER:10": "diez",
    "NUMBER:11": "once",
    "NUMBER:12": "doce",
    "ORDINAL:1": "primera, primero, primera opcion, el primero",
    "ORDINAL:2": "segunda, segundo, segunda opcion",
    "ORDINAL:3": "tercera, tercero, tercera opcion",
    "LAST": "ultima, ultimo, ultima opcion",
    "NR": "numero, num, nr, nro, num casa, #",
    "PICK": """
        opcion, opc, elijo, escojo, me quedo con, quiero la, prefiero la, cojo, tomo,
        eleccion, la opcion, me quedo, me vale, dame, ponme, apuntame, reserve, reservame""",
    "TODAY": "hoy",
    "TODAY EVENING": "esta noche, hoy por la noche",
    "TODAY MORNING": "esta mañana",
    "TODAY AFTERNOON": "esta tarde, hoy por la tarde",
    "TOMORROW": "mañana, mñn, mñana, maniana, mana",
    "OVERMORROW": "pasado mañana, pasado",
    "WEEKDAY:0": "lunes, lun",
    "WEEKDAY:1": "martes",
    "WEEKDAY:2": "miercoles, mierc",
    "WEEKDAY:3": "jueves, juev",
    "WEEKDAY:4": "viernes, vie, viern",
    "WEEKDAY:5": "sabado, sab",
    "WEEKDAY:6": "domingo, dom",
    "MONTH:1": "enero",
    "MONTH:2": "febrero",
    "MONTH:3": "marzo",
    "MONTH:4": "abril",
    "MONTH:5": "mayo",
    "MONTH:6": "junio",
    "MONTH:7": "julio",
    "MONTH:8": "agosto",
    "MONTH:9": "septiembre, setiembre",
    "MONTH:10": "octubre",
    "MONTH:11": "noviembre, nov",
    "MONTH:12": "diciembre, dic",
    "NEXT": "proximo, proxima, siguiente, que viene",
    "WEEK": "semana, fin de semana, finde, mes",
    "MORNING": "por la mañana, de la mañana, en la mañana, a la mañana, temprano",
    "AFTERNOON": "por la tarde, de la tarde, en la tarde, a la tarde, tarde",
    "EVENING": "por la noche, de la noche, noche",
    "NOON": "mediodia, al mediodia, medio dia, a mediodia",
    "HALF_PAST": "y media",
    "AFTER": "despues de, despues, dps de, pasadas, tras, luego de, mas tarde de, despues d",
    "BEFORE": "antes de, antes, antes d",
    "BETWEEN": "entre",
    "UNTIL": "hasta",
    "FROM": "a partir de, desde, apartir de, a partir d",
    "TO": "a",
    "AT": "sobre, hacia, alrededor de, sobre las, tipo, a eso de",
    "ANYTIME": "a cualquier hora, cualquier hora, todo el dia, cuando sea",
    "LATER": """
        mas tarde, otro dia, otra hora, en otro momento, otro momento, luego, un poco mas
        tarde, mas adelante, mas temprano, cambiar la hora, otra fecha, cambiar de dia, otra
        franja""",
    "MOVE": """
        venir, venga, vengan, vengais, ven, venid, traer, traigan, traiga, traedlo, traigalo,
        traelo, traiganlo, traermelo, entregar, entreguen, entregarlo, entregadlo,
        entreguenlo, cambiar, cambiarlo, cambiadlo, cambielo, cambienlo, cambialo, pasar,
        pasen, pase, pasad, pasaros, mover, mueva, aplazar, posponer, reprogramar, venir el,
        hacerlo, volver, vuelvan, cambio, dejarlo para, traigamelo, traer el pedido, traer el
        paquete, entregar el pedido, cambiar la entrega, cambiar el dia, mover la entrega,
        aplazarlo, pasarlo, que venga, que vengan, que lo traigan, acercaos, que lo traigais,
        hacer, moverlo, cambiarla, posponerlo""",
    "LEAVE": """
        deje, dejelo, dejenlo, dejalo, dejadlo, dejarlo, dejar, dejaselo, dejeselo, dejadselo,
        dejen, deja, dejad, dejarselo, entregaselo, entreguelo, ponlo, ponganlo, pongalo,
        ponedlo, dar, dadselo, daselo, deselo, deje el paquete, dejen el paquete, dejame el
        paquete, deja el paquete, dejar el paquete, dejad el paquete, deje el pedido, dejen el
        pedido, deja el pedido, meterlo, metelo, meted, colocalo, coloquelo, dejarmelo,
        dejamelo, dejenmelo, dejemelo""",
    "WITH": "con",
    "IN": "en, dentro de, dentro",
    "NEAR": """
        detras de, detras del, debajo de, debajo del, bajo, delante de, delante del, junto a,
        al lado de, al lado del, fuera de, sobre el, tras la, encima de, encima del, enfrente
        de""",
    "PLACE": """
        porche, garaje, porteria, portero, conserje, conserjeria, recepcion, puerta, puerta de
        atras, puerta trasera, buzon, portal, jardin, terraza, patio, trastero, cobertizo,
        felpudo, escalera, rellano, entrada, verja, balcon, taquilla, consigna, caseta, cuarto
        de contadores, cubo de basura, maceta, banco, valla, cochera, oficina, vestibulo,
        hall, seto, jardin trasero, patio trasero, puerta del garaje, puerta principal de
        casa, puerta de casa, puerta del jardin, arbusto, arbol, mesa, silla, muro, ascensor,
        descansillo, sotano, leñera, invernadero, lavadero, contenedor, bar, tienda, estanco,
        farmacia, mostrador, parking""",
    "NEIGHBOUR": "vecino, vecina, vecinos, becino, besino, al vecino, del vecino",
    "UNIT": "piso, puerta numero, apartamento, casa numero",
    "TITLE": "señora, señor, sra, sr, doña, don",
    "TAKES": "lo recoge, lo coge, lo recibe, me lo guarda, lo recogera, me lo recoge",
    "CODE": """
        codigo, clave, codigo de acceso, pin, code, contraseña, codigo portal, codigo puerta,
        el codigo, clave de acceso, codigo de entrada, codigo de la puerta, codigo del portal,
        codigo de la verja, clave portal, codigo porton""",
    "ENTRY": """
        portal principal, la verja, entrada principal, puerta principal, para entrar, acceso,
        porton, del porton""",
    "USE": "usa, use, usen, marca, marque, pulse, pulsa, para abrir",
    "ME": "yo, nosotros",
    "IT_IS": "es",
    "SELF": "estoy, somos, soy, son, estamos solo",
    "HOME": "en casa, estare, estaremos, vamos a estar, voy a estar, estamos, estar, casa, en mi casa",
    "AWAY": """
        en el trabajo, trabajando, fuera, estoy fuera, de viaje, de vacaciones, fuera de casa,
        en la oficina, no estoy, no estamos, ausente, currando, en el medico, en el curro, de
        compras, en el hospital, en clase, no estare, no estaremos, estamos fuera, estare
        fuera, no voy a estar""",
    "NOBODY": "nadie",
    "BACK": "vuelvo, llego a casa, volvemos, salgo de trabajar, regreso, vuelvo a casa",
    "WHERE": """
        donde, dnd, donde esta, donde estan, donde estais, por donde vas, por donde va, por
        donde vais, por donde van, adonde, donde anda, por donde andas, donde se encuentra,
        donde va, donde anda mi, ande esta, donde estas, donde queda""",
    "WHEN": """
        cuando, a que hora, que hora, cuando viene, cuando llega, k hora, a que ora, cuando
        llegan, cuando vienen, para cuando, cuando vais a, cuando va a, sobre que hora, cuando
        me, aque hora, q hora, a q hora, cuando es""",
    "HOWLONG": """
        cuanto falta, cuanto tarda, cuanto tardas, cuanto tardan, cuanto tardais, cuanto
        queda, falta mucho, le queda mucho, os queda mucho, cuanto os queda, cuanto le queda,
        cuanto tiempo""",
    "ARRIVE": """
        llega, llegan, llegar, llegais, viene, vienen, venis, llegara, vendra, vendran,
        llegando, en camino, de camino, llegareis, vendreis, vais a venir, va a venir, van a
        venir, va a llegar, pasais, pasareis, traen, traeis, entregan, entregais, pasa""",
    "PARCEL": """
        paquete, pedido, envio, caja, mercancia, compra, bulto, orden, paqete, el pedido, el
        paquete, reparto""",
    "PARCEL:1": "entrega, servicio",
    "PARCEL:2": "producto, productos, articulo, calidad, vino",
    "DRIVER": "repartidor, conductor, mensajero, furgoneta, chofer, transportista",
    "WAITING": """
        esperando, sigo esperando, espero, llevo esperando, seguimos esperando, aun espero,
        toda la mañana esperando, llevamos esperando, estoy esperando, estamos esperando""",
    "NOTHING_YET": """
        no ha llegado, todavia no ha llegado, aun no ha llegado, no ha llegado nada, no llega,
        todavia no ha llegado nada, no he recibido, no he recibido nada, todavia nada, aun
        nada, no ha venido, no ha venido nadie, aun no ha llegado nada, sigue sin llegar, no
        me ha llegado, aun no llega, no me ha llegado nada, sigue sin venir, no ha pasado
        nadie, no llega nada, no aparece nadie""",
    "NEWS": """
        alguna novedad, novedades, alguna noticia, hay novedades, noticias, estado, se sabe
        algo, sabeis algo, que pasa con, como va, como va mi""",
    "CLOSE": "cerca, estais cerca, esta cerca, ya viene",
    "LATE": "llegais tarde, llega tarde, llegan tarde, vais tarde, con retraso, tardan mucho",
    "WRONG": "mal, equivocada, incorrecta, erronea, esta mal, no es correcta, no es la correcta, antigua",
    "ADDRESS": "direccion, direcion, domicilio, mi direccion, dirección de entrega, direc",
    "NOT ADDRESS": "no es mi direccion, no es la direccion, no es nuestra direccion, no es mi casa",
    "MOVED": """
        me he mudado, nos hemos mudado, me mude, mudado, ya no vivo ahi, ya no vivo alli, no
        vivo ahi, ya no vivimos ahi, he cambiado de casa, ya no vivo aqui, me he cambiado de
        casa, no vivo alli, he cambiado de direccion, cambie de direccion, nos mudamos, me
        mude de casa, ya no es mi direccion""",
    "PHONE": """
        numero equivocado, se equivoca de numero, se ha equivocado de numero, se equivoca,
        persona equivocada, no soy yo, yo no he pedido nada, no he pedido nada, se equivocan
        de numero, telefono equivocado, os equivocais, se ha equivocado, os habeis equivocado,
        se han equivocado, no soy esa persona, no he comprado nada, te has equivocado, no es
        mi pedido, se equivoca de persona""",
    "CANCEL": """
        cancelar, cancele, cancelen, cancela, cancelad, anular, anule, anulen, anulad, anula,
        cancelarlo, anularlo, canselar""",
    "CANCEL PARCEL": """
        ya no lo quiero, no lo quiero ya, cancelalo, cancelenlo, anulalo, anuladlo, cancelelo,
        ya no quiero el pedido, no quiero el pedido""",
    "STOP": "stop, para de, basta",
    "STOP TEXTS": """
        darme de baja, dame de baja, deme de baja, dejen de escribirme, deja de escribirme,
        dejad de escribirme, borrenme de la lista, deja de mandarme, dejen de enviarme, dejad
        de enviarme, dejad de mandarme, dejen de mandarme, dejen de molestar, dejen de mandar,
        no molesten mas, quitarme de la lista, quitame de la lista, dejad de mandar, deja de
        mandar, dejen de enviar""",
    "NOT TEXTS": """
        no me mandeis mas, no me manden mas, no quiero mas, no mas, no me envien mas, no me
        envieis mas, no me escriban mas, no me escribais mas""",
    "TEXTS": "mensajes, sms, mensaje, textos, msj, msjs",
    "UNSUBSCRIBE": "baja",
    "START": "start, alta",
    "HELP": "ayuda, ayudame, help, necesito ayuda, info",
}


@cache
def lexicon() -> Lexicon:
    """Arrange the words, once."""
    return Lexicon.of(
        "es",
        _WORDS,
        accented={"PAST": "cancelé, anulé, cambié, pedí, dejé, dejó, entregó, cambió"},
        apostrophe="",
        afternoon=(12, 20),
    )
