"""English words, as buyers type them."""

from functools import cache

from chalicelib.notifications.understanding.signs import Lexicon

_WORDS = {
    "FILLER": """
        please, pls, plz, plse, a, an, the, my, our, your, ur, it, this, that, you, u, us, me,
        is, r, be, will, ill, id, would, wd, shall, have, has, just, so, very, really, sorry,
        soz, hi, hey, hello there, good morning, good afternoon, good evening, dear, mate,
        pal, love, fuck off, piss off, x, xx, xxx, for, for me, for us, of, there, then, does,
        if poss, if possible, kindly, actually, also, up, out there, some, parcels, sir,
        madam, driver please, well, all, as, on its, lets, let us, go with, please and, now,
        right now, oh, hiya, ive, weve, am i, got, get, any chance, quick, quickly, asap, man,
        bro, still, guys, lads, boss, gonna, going to, going, please driver, oi, ello, evening
        all, x please, any, if thats ok, if you can, if u can, if you could, if its ok, if you
        dont mind, thats, dat, da, de, yer, em, um, erm, haha, ah, fyi, ideally, thats all,
        kind regards, regards, yours""",
    "THANKS": """
        thanks, thank you, thankyou, thx, thnx, tnx, tx, ta, cheers, ty, many thanks, thanks a
        lot, thanks so much, thank you so much, thank you very much, much appreciated,
        appreciated, nice one, 🙏, ❤, 😊, 🙂, 😀, 🥰, 😘, thanks very much, tysm, thank u, thanks
        again, thank u so much, thank you again, thanks mate, thanks in advance, fanks, thanx,
        thnks, thank you kindly, bless you, much obliged, ta muchly, cheers buddy, thanks for
        letting me know, thanks for the update, thank you for the update, thanks for that""",
    "OK": """
        ok, okay, okey, k, kk, okie, great, perfect, fine, brilliant, lovely, super, cool,
        awesome, excellent, sounds good, sounds great, got it, understood, noted, will do, no
        worries, that is fine, thats fine, thats great, thats perfect, all good, good, sorted,
        alright, amazing, wonderful, 👍, 👌, ✅, ✔, happy days, roger, okey dokey, thats good,
        thats ok, thats okay, noted thanks, no probs, fab, grand, spot on, champion, yay, ok
        cool, good stuff, all ok, message received, received, 🎉, 😃, 😁, ✔️""",
    "UNTIL TOMORROW": "till tomorrow",
    "SEE": """
        see you, see u, see ya, c u, cu, see you then, see you on, till then, see u on,
        looking forward to""",
    "THEY": """
        they, them, he, she, theyre, hes, shes, they are, he is, she is, their, his, her, him,
        wife, husband, mum, dad, son, daughter""",
    "YES": """
        yes, y, yep, yeah, yea, ya, yup, yh, yas, sure, of course, correct, go ahead, yes
        please do, aye, yeh, yess, absolutely, definitely, yes i am, yes it is, please do, go
        for it please, go on then, that works, yes thats fine""",
    "NO": """
        no, n, nope, nah, no way, 👎, ❌, please dont, no that doesnt work, no that wont work,
        no ta, nooo, dont bother, id rather not, rather not, no i cant, not possible""",
    "NOT": """
        not, dont, do not, cant, cannot, can not, wont, will not, isnt, is not, arent, never,
        doesnt, does not, couldnt, nt, unable to, didnt want, aint, shouldnt, neither""",
    "NONE": "none, none of them, none of those, none of these, neither of them",
    "AND": "and, &, n then, plus, +",
    "OR": "or, /, otherwise",
    "BUT": "but, however, though, although, tho",
    "DOUBT": """
        if, unless, maybe, perhaps, why, except, instead of, otherwise if, what does, whats,
        how do i, how can i, what, which, whatever, whichever, either, anything but, who,
        better than, might, cause, because, cancelling, canceling, not sure, no idea, dunno,
        depends, same as, rather than, without, until further, wondering, cancelled, canceled,
        supposed, hopefully, probably, should, whose, how, long as, as long as, only, mondays,
        tuesdays, wednesdays, thursdays, fridays, saturdays, sundays, weekdays, weekends""",
    "PAST": """
        was, wasnt, did, didnt, yesterday, last time, last week, last year, said, told,
        thought, left it, used to, had, went, came, left, was delivered, you put, u put, you
        put it, you left, you leave, you leave it, you gave, you gave it, before that, i
        meant, meant, already, never said, were supposed, you said, i said""",
    "REQUEST PICK": "can we do, can you do, could you do, could we do, can u do, cud u do",
    "REQUEST": """
        can you, can u, could you, could u, cud u, can we, could we, can i, could i, can it,
        could it, can they, could they, can, could, may i, would you, would u, is it possible,
        possible, want, i want, want to, i want to, i need, need, like, i would like, i d
        like, prefer, would prefer, rather, id rather, is it ok, is it ok if, any chance you
        can, hoping, id like, id like to, i would like to, wed like, wed like to, id love""",
    "ASKS": """
        did you, did u, have you, have u, has it, is it, is he, is she, will it, did he, did
        they, did it, are you, are u, r u, is this, is the, is my, will you, will u, are they,
        has he, was it""",
    "GOOD": """
        is fine, is good, is ok, is okay, is great, is best, is better, is perfect, works,
        works for me, works for us, works best, would be better, would be best, would be
        great, would be good, would be fine, would be perfect, would be gr8, would be ideal,
        would work, would suit, suits, suits me, better, best, is best for us, is best for me,
        gr8, ideal, is ideal, is easier, is all good, is better for me, is better for us,
        would be perfect for me, works better, would suit me, would suit us, would be lovely,
        is easier for me, would be easier, is preferred, would be ace, pls instead, is when im
        in, would be best for us, would be awesome""",
    "BAD": """
        is no good, no good, is bad, doesnt work, wont work, doesnt suit, is no use, is not
        possible, doesnt work for me, wont work for me, is bad for me""",
    "INSTEAD": "instead, istead, insted, rather please",
    "NUMBER:1": "one, won of",
    "NUMBER:2": "two",
    "NUMBER:3": "three",
    "NUMBER:4": "four",
    "NUMBER:5": "five",
    "NUMBER:6": "six",
    "NUMBER:7": "seven",
    "NUMBER:8": "eight",
    "NUMBER:9": "nine",
    "NUMBER:10": "ten",
    "NUMBER:11": "eleven",
    "NUMBER:12": "twelve",
    "ORDINAL:1": "first, first one, first option, 1st one, 1st option, the first one",
    "ORDINAL:2": "second, second one, second option, 2nd one, 2nd option, middle one",
    "ORDINAL:3": "third, third one, third option, 3rd one, 3rd option",
    "LAST": "last one, last option, the last one, last",
    "NR": "number, num, nr, nbr, no number, house number, number no, door number, #, house no",
    "PICK": """
        option, opt, choice, choose, i choose, pick, i pick, ill take, i take, take, lets go
        with, ill go with, go for, ill go for, go with option, i want option, ill have, lets
        do, =, gimme, ill do, il take, il go with, id go with, id pick, put me down for, sign
        me up for, book, book me, book me in for, my choice is, going with, gonna go for,
        gonna go with, gonna take, selecting, select""",
    "TODAY": "today, 2day, tday",
    "TODAY EVENING": "tonight, this evening, 2nite, tonite",
    "TODAY MORNING": "this morning",
    "TODAY AFTERNOON": "this afternoon",
    "TOMORROW": """
        tomorrow, tomorow, tommorow, tommorrow, tmrw, tmw, tmr, tomoz, tomo, 2morrow, 2moro,
        2moz, 2mrw""",
    "OVERMORROW": "day after tomorrow, the day after tomorrow, day after tmrw",
    "WEEKDAY:0": "monday, mon",
    "WEEKDAY:1": "tuesday, tue, tues",
    "WEEKDAY:2": "wednesday, wed, weds",
    "WEEKDAY:3": "thursday, thu, thur, thurs",
    "WEEKDAY:4": "friday, fri",
    "WEEKDAY:5": "saturday, sat",
    "WEEKDAY:6": "sunday, sun",
    "MONTH:1": "january, jan",
    "MONTH:2": "february, feb",
    "MONTH:3": "march",
    "MONTH:4": "april, apr",
    "MONTH:5": "may",
    "MONTH:6": "june, jun",
    "MONTH:7": "july, jul",
    "MONTH:8": "august, aug",
    "MONTH:9": "september, sept, sep",
    "MONTH:10": "october, oct",
    "MONTH:11": "november, nov",
    "MONTH:12": "december, dec",
    "NEXT": "next, following",
    "WEEK": "week, weekend, month",
    "MORNING": "morning, mornings, in the morning, am, a m, early morning, am please",
    "AFTERNOON": "afternoon, afternoons, in the afternoon, arvo, aft",
    "EVENING": "evening, evenings, in the evening, eve",
    "NOON": "noon, midday, lunchtime, lunch time",
    "HALF_PAST": "half past, half",
    "AFTER": "after, aftr, later than, past, from after, anytime after, any time after",
    "BEFORE": "before, b4, by, earlier than, before about, no later than",
    "NOT AFTER": "not later than, not after",
    "BETWEEN": "between, betwen, btw, btwn",
    "UNTIL": "until, till, til, untill, til about, till about, until about",
    "FROM": "from, starting from, from about, any time from",
    "TO": "to, thru, through",
    "AT": "at, the one at, one at, the one in, around, about, around about, roughly, approx, @",
    "ANYTIME": "any time, anytime, all day, whenever on",
    "LATER": """
        later, l8r, another day, another time, a different day, different day, different time,
        other day, some other time, some other day, earlier, reschedule please, weekend
        please, sooner, later today, later on, a bit later, different slot, another slot, new
        slot, next time, later in the week, another week, later this week, not convenient,
        inconvenient""",
    "MOVE": """
        come, come back, bring, bring it, deliver, deliver it, redeliver, reschedule,
        rearrange, change, change it, change to, move, move it, postpone, postpone it, make
        it, do it, push, push it, switch, rebook, do, try again, drop it round, swap, swap it,
        send it, reschedule it, rearrange it, delay, delay it, hold, hold it, drop round, pop
        round, swing by, come round, pop by, bring my parcel, bring my order, change the
        delivery, change delivery, change my delivery, move my delivery, move the delivery,
        reschedule my delivery, reschedule the delivery, deliver my order, deliver my parcel,
        have it delivered, arrange for, book it, get it, get it delivered, i want it, have it,
        redelivery, retry""",
    "LEAVE": """
        leave, leave it, leve it, drop, drop it, put, put it, pop, pop it, give, give it,
        hand, hand it, drop it off, drop off, place it, stick it, chuck it, leave parcel,
        leave the parcel, leave my parcel, leave them, leave package, leave the package, just
        leave it, leaving it, deliver to, deliver it to, take it to, leave wiv, leave my
        order, leave the order, leave the box, leave delivery, leave the delivery, drop the
        parcel, drop parcel, put the parcel, put parcel, put the box, hide it, tuck it, sling
        it, lob it, shove it, bung it, leave the wine""",
    "WITH": "with, wiv, w",
    "IN": "in, inside",
    "NEAR": """
        behind, under, underneath, outside, on, beside, next to, near, in front of, round,
        around the, behind the, against, at the, over, on top of, round the back by, to the
        side of""",
    "PLACE": """
        porch, shed, garage, bin, bins, wheelie bin, wheelie bins, recycling bin, front door,
        back door, side door, door, doorstep, front step, back step, step, steps, gate, side
        gate, back gate, garden, back garden, front garden, greenhouse, carport, car port,
        reception, concierge, conservatory, mailbox, letterbox, letter box, parcel box, post
        box, delivery box, locker, hall, hallway, lobby, balcony, patio, deck, decking, bench,
        mat, doormat, flower pot, plant pot, summer house, summerhouse, log store, utility
        room, foyer, mail room, mailroom, front desk, security, porter, doorman, office, bike
        shed, meter cupboard, meter box, coal bunker, hedge, bush, barn, workshop, safe box,
        box by door, back of the house, side of the house, side of house, back of house, oil
        tank, bbq, log pile, wood store, woodshed, playhouse, dog house, dustbin, dustbins,
        green bin, blue bin, black bin, recycling box, cool box, storage box, garden shed,
        lean to, cupboard, back porch, front porch, side passage, passage, alley, yard, back
        yard, courtyard, driveway, drive, wall, fence, water butt, planter, plant pots,
        flowerpot, boot room, stairwell, landing, lift, post room, postroom, mail box,
        reception desk, gatehouse, lodge, kennel, table, chair, swing seat, rear door, patio
        door, patio doors, kitchen door, garage door, shed door, conservatory door, bottom of
        the stairs, tree""",
    "NEIGHBOUR": """
        neighbour, neighbours, neighbor, neighbors, nabor, naybour, nextdoor neighbour, next
        door neighbour, next door neighbor, neighbour at, nieghbour, nieghbours, next doors,
        neigbour, neighbr, nieghbor, neighbours at""",
    "UNIT": "flat, apartment, apt, unit, house, room",
    "TITLE": "mrs, mr, ms, miss, dr",
    "TAKES": "take it, will take it, can take it, can accept it, will accept it, takes it, has agreed",
    "CODE": """
        code, gate code, door code, entry code, access code, gatecode, pin, pin code, keycode,
        keypad, cde, lock code, keysafe code, key safe code, building code, security code, the
        code, gate pin, door pin, buzzer code, keypad code, gate number code, entrance code,
        passcode, access pin, code for gate""",
    "ENTRY": """
        gate please, main gate, entrance, front gate, main door, building, entry, the gate,
        the door""",
    "USE": """
        use, type, press, enter, dial, to get in, then push, to open, opens, to enter, to come
        in, lets you in, will open it, to open it, opens the gate, opens it, to get through""",
    "ME": "i, we",
    "IT_IS": "its, it is, its only, itll be",
    "SELF": "im, i am, we are, were, were are, are",
    "HOME": """
        home, at home, at the house, in the house, be there, be in, in when you come, be home,
        be here then, around then, be in when you come, be around, at my house, at my place,
        to answer the door, available, here then""",
    "AWAY": """
        away, out, at work, on holiday, on vacation, abroad, not about, out of town, out all
        day, at the office, at the hospital, not around, away from home, out today, in
        hospital, at the doctors, at school, shopping, at the shops, at a funeral, in work, at
        the gym, stuck at work, on hols, in spain, overseas, unavailable, otherwise engaged,
        away on holiday, at an appointment""",
    "NOBODY": "nobody, no one, no 1 home, noone, no body, nobodys, no ones, noones",
    "BACK": "back, back home, home again, finish work, get home, get back, back in",
    "WHERE": """
        where, wheres, where is, where are you, where are u, where r u, where the hell, wher
        is, whre, where abouts, whereabouts, where are they, where is it, wheres it at, how
        far, how far away, where r you, wheres my, where is my, track my, where are my, where
        the heck, where on earth, how far off, how far out, wher are you, whats the location,
        wheres the, whers, where is the, wheres your, where are you now, where have you got
        to, any sign of""",
    "WHEN": """
        when, wen, when is, when will, what time, wot time, what time will, what time is, when
        are you, when r u, when are u, what time are you, time of arrival, which time, when
        can i expect, any idea when, any idea what time, when youll be, when you will be,
        whens, whens my, when do you, when does, when do u, what time do you, what time r u,
        what time does, roughly what time, what time roughly, wat time, wht time, when should
        i expect, when might, when abouts""",
    "HOWLONG": """
        how long, how much longer, how many minutes, how many stops, eta, whats the eta, how
        soon, how long till, how long until, how long left, how many drops, how many stops
        left, how long now, how long more, how many more stops""",
    "ARRIVE": """
        coming, arrive, arriving, be here, get here, here, be delivered, expect it, on its
        way, on the way, on your way, turn up, be coming, out for delivery, due, come today,
        come tomorrow, been delivered, getting here, reach me, be arriving, be with me, with
        me, with us, be with us, showing up, come by, rocking up, makes it, gets here,
        arrives, come to me, be dropping off""",
    "PARCEL": """
        parcel, package, packet, order, stuff, box, shipment, goods, the order, this order,
        parcle, pkg, items, bottles""",
    "PARCEL:1": "delivery, delivery service, service, deliver service",
    "PARCEL:2": "wine, product, products, item, quality, food",
    "DRIVER": "driver, van, courier, delivery man, delivery guy, delivery driver, guy",
    "WAITING": """
        waiting, still waiting, been waiting, waiting in, waiting all day, been waiting all
        day, waited all day, i have been waiting, ive been waiting, been waiting for, still
        waiting for, still waitin, waitin, been waitin, been in all day, stayed in all day""",
    "NOTHING_YET": """
        nothing yet, nothing here yet, nothing has come, not here yet, not arrived, not
        arrived yet, hasnt arrived, hasnt come, havent received, not received, no sign of,
        hasnt turned up, no show, no parcel yet, still nothing, still not here, still no,
        havent got, not come yet, hasnt arrived yet, never arrived, no delivery yet, not got,
        didnt arrive, hasnt been delivered, isnt here yet, its not here, not turned up, hasnt
        shown up, not been delivered, still havent got, nobody came, no one came, nobody has
        come, no one has come, never came, didnt turn up, no sign of it, havent seen""",
    "NEWS": """
        any news, any update, any updates, update, news, status, tracking, what is happening,
        whats happening, whats the status, whats the latest, latest, any word, tracking says,
        progress, order status, status of, wheres it up to, any updates on, any update on, any
        news on, any news about""",
    "CLOSE": "nearly here, close, nearby, almost here, close by, near by, nearly there, been yet",
    "LATE": "late, your late, youre late, delayed, overdue, ur late",
    "WRONG": """
        wrong, incorrect, not correct, not right, worng, rong, isnt right, isnt correct, out
        of date, old, mistaken, aint right, not ours""",
    "ADDRESS": "address, adress, addres, adresse, addy, my address, house address, postcode",
    "NOT ADDRESS": "isnt my address, not my address, isnt our address, not our address",
    "MOVED": """
        moved, moved house, ive moved, i moved, we moved, weve moved, have moved, dont live
        there, dont live there anymore, dont live here anymore, no longer live there, no
        longer live here, moved out, moved away, moved flat, dont live at that address, not
        living there, not living there anymore, dont live there now, no longer at that
        address, no longer at this address, dont live at this address, not at that address
        anymore, im not at that address, changed address, have changed address, ive changed
        address""",
    "PHONE": """
        wrong number, wrong person, wrong phone number, didnt order anything, not me, didnt
        order, wrong no, wrong num, you have the wrong person, got the wrong person, dont know
        who this is, never ordered anything, havent ordered anything, havent ordered, wrong
        number im afraid, this isnt my order""",
    "CANCEL": "cancel, cancle, cancell, cancelation, canel",
    "CANCEL PARCEL": """
        cancel it, cancel this, dont want it anymore, dont want it any more, no longer want
        it, dont need it anymore, dont need it any more, not want it anymore, no longer need
        it, please cancel it all, changed my mind and dont want it, i dont want it, dont want
        it, dont want the order, no longer want the order, no longer want this order, dont
        want this order""",
    "STOP": "stop, stop it please, stop sending, stop sending me",
    "STOP TEXTS": """
        stop texting, stop messaging, stop texts, stop sms, leave me alone, stop all, stopall,
        opt out, optout, stop contacting, stop msging, stop txting, remove me, take me off,
        stop spamming, stop sending texts, stop sending messages, stop with the texts, stop
        the texts, stop the messages, stop bothering me, stop mailing, stop sending me texts,
        stop sending me messages, delete my number, lose my number, take me off this list,
        remove my number, opt me out, stop texing, stop txts""",
    "NOT TEXTS": """
        no more texts, no more messages, no texts, no more sms, dont text, dont message, no
        more msgs, dont contact me, dont contact me again, no more txts, do not text, do not
        text me, do not contact me, do not message, dont want texts, dont want these texts,
        dont want these messages, never text me""",
    "TEXTS": """
        texting, texts, text, messages, message, messaging, sms, from this list, list, me
        texts, spam""",
    "UNSUBSCRIBE": "unsubscribe, unsub, unsubscribe from",
    "START": "start, unstop, resume, start texts, subscribe, opt in, yes start",
    "HELP": "help, help me, need help, info, assistance",
}


@cache
def lexicon() -> Lexicon:
    """Arrange the words, once."""
    return Lexicon.of(
        "en",
        _WORDS,
        accented={},
        apostrophe="",
        afternoon=(12, 18),
    )
