"""Everything we keep, in one DynamoDB table.

One command is one transaction (`transaction`), guarded by conditions on the versions that were read; nothing
else guards anything. Keys are pure functions (`keys`), rows are written and read in pairs (`rows`, and
`replans` for its own), and each feature's store is one module. Every key begins with whose it is, but for
those by which a caller is found. Weak point: one table means one set of indexes, so what an index sorts by is
spelled out by each kind of row.

Rows. `?` marks what is not always there; `T` stands for `T#{tenant}`, as in `T#acme.test#DEPOTS`.

    row        pk                 sk                    attributes                     index
    depot      T#DEPOTS           {depot_id}            version fleet_version document
    vehicle    T#D#{depot_id}     V#{vehicle_id}        version document
    route      T#D#{depot_id}     R#{date}#{shift_id}   version route ttl
    shift      T#SHIFT#{shift_id} SHIFT                 place document? ttl            listing
    pass       T#SHIFT#{shift_id} PASS                  sha256 ttl
    requests   T#REQUESTS#{plan}  {work}                requested done? improved? ttl
    replan     T#REPLAN#{id}      REPLAN                version document ttl
    progress   T#MOTION#{plan}    {shift_id}            version milestones document ttl
    hold       T#S#{stop}         HOLD                  version document ttl           due?
    promise    T#S#{stop}         PROMISE               version document ttl           listing
    tracking   TRACK#{sha256}     TRACK                 tenant stop ttl
    fact       T#S#{stop}         L#{sequence}          fact words? receipt? holds? ttl
    entry      T#PROMISES         P#{created_at}#{stop} ttl
    buyer      T#BUYER#{mark}     {stop}                ttl
    cart       T#C#{cart_ref}     CART                  stop ttl
    order      T#O#{order_ref}    ORDER                 stop stops ttl
    shipment   T#O#{order_ref}    ORDER#{shipment_ref}  stop stops ttl
    receipt    T#RECEIPT#{key}    RECEIPT               fingerprint http_status sealed_body ttl
    outbox     T#OUTBOX#{token}   OUTBOX                facts? request_id? ttl           due?
    text       T#TEXTS#{promise}  {message_id}          version course document claim? request_id? ttl
    sid        T#SID#{sid}        SID                   message ttl
    opt_out    T#OPTOUT#{mark}    OPTOUT                out at
    merchant   T#MERCHANT         MERCHANT              document senders?
    listed_key T#KEYS             {created_at}#{key_id} sha256
    clock      T#CLOCK            CLOCK                 ahead_seconds
    webhook    T#WEBHOOKS         {webhook_id}          version document writer          due
    last_event T#EVENTS           LAST                  numbered
    event      T#EVENTS           E#{sequence}          document ttl
    mark       T#EVENT#{event_id} EVENT                 numbered ttl
    delivery   T#WEBHOOK#{id}     D#{name}              version document writer?         due
    attempt    T#WEBHOOK#{id}     A#{at}#{sequence}     document ttl
    past       T#PAST#{depot_id}  PAST                  version document history doors ttl
    reminder   T#REMINDER#{kind}#{subject} REMINDER     ttl                            due
    door       T#DOOR#{key}       DOOR                  sealed owners ttl
    door_owner T#DOORS#{owner}    {key}                 ttl
    key        KEY#{sha256}       KEY                   document revoked_at? last_used_on? ttl?
    rate       RATE#{key_id}#{at} RATE                  requests ttl
    counts     COUNTS#{name}#{at} COUNTS                {count} ttl
    sender     SENDER#{sender}    SENDER                free_at? failures? open_until?
    contact    NUMBER#{mark}      {tenant}#{sender}#{subject} subject at ttl
    talk       TALK#{mark}        {sender}              version document ttl
    inbound    INBOUND#{sid}      INBOUND               sealed at tenants ttl
    wrote      WROTE#{mark}       {sid}                 ttl

Indexes. `listing` (list_pk, list_sk) has for each plan, `T#PLAN#{depot_id}/{date}`, its promises
`P#{created_at}#{stop}` and the shifts that a human touched, `S#{shift_id}`. `due` (due_pk, due_at) has the
active holds of all tenants by the moment they are ghosts for everybody, in shards `DUE#{shard}`; in shards of
their own, `DUE#W{shard}`, deliveries that may be forgotten and webhooks whose secrets are to be sealed anew,
in `DUE#R{shard}` reminders, and in `DUE#F{shard}` outbox rows whose facts nobody has handed on yet.

Access patterns, and what each asks of DynamoDB. Index reads are eventually consistent, all others strongly,
but for the routes a search reads.

     1  depots                      Query
     2  depot                       GetItem
     3  vehicles                    Query           once for each fleet_version and process
     4  routes                      Query           one for each megabyte: 200 vans and 3 days are one
     5  route                       GetItem
     6  hold                        GetItem
     7  promise                     GetItem
     8  cart                        GetItem
     9  order                       GetItem
    10  ledger                      Query
    11  promises of an order        Query BatchGetItem
    12  promises of a depot's day   Query           listing
    13  promises of a day           Query Query     depots, then listing for each of them
    14  promises                    Query BatchGetItem   100 at a time; also for one depot, or one state
    15  due_holds                   Query           due
    16  due_anywhere                16 Query        due, one for each shard
    17  commit                      TransactWriteItems
    18  shift_row                   GetItem
    19  shift_rows                  Query           listing
    20  commit_fleet                TransactWriteItems
    21  get_receipt                 GetItem
    22  add_message                 PutItem
    23  save_message                PutItem
    24  messages                    Query
    25  own_sids                    BatchGetItem
    26  get_merchant                GetItem
    27  put_merchant                UpdateItem
    28  get_key                     GetItem
    29  add_key                     TransactWriteItems
    30  list_keys                   Query BatchGetItem
    31  revoke_key                  Query BatchGetItem UpdateItem
    32  add                         UpdateItem      requests of an API key in a minute
    33  clock_offset                GetItem
    34  set_clock_offset            TransactWriteItems
    35  note_use                    UpdateItem      once a day for each API key
    36  request                     UpdateItem      one number for each plan
    37  requests                    GetItem
    38  finish_requests             UpdateItem
    39  replan                      GetItem
    40  commit_plan                 TransactWriteItems
    41  progress                    GetItem
    42  progresses                  Query
    43  promises_named              BatchGetItem
    44  commit_motion               TransactWriteItems
    45  commit_motion of positions  PutItem
    46  put_pass                    GetItem TransactWriteItems
    47  webhooks                    Query
    48  webhook                     GetItem
    49  save_webhook                PutItem
    50  remove_webhook              DeleteItem
    51  last_sequence               GetItem
    52  record_event                TransactWriteItems
    53  logged_events               Query
    54  delivery                    GetItem
    55  save_delivery               PutItem
    56  drop_delivery               DeleteItem
    57  begin_replay                GetItem TransactWriteItems
    58  add_attempt                 PutItem
    59  attempts                    Query
    60  due_webhooks                4 Query         due, one for each shard
    61  due_webhooks_of             Query           due
    62  tracked                     GetItem
    63  write_reminder              PutItem
    64  due_reminders               8 Query         due, one for each shard
    65  due_reminders_of            Query           due
    66  finish_reminder             DeleteItem      a PutItem where it is to come again
    67  is_handed_on                GetItem         only of rows that are due
    68  note_handed_on              UpdateItem
    69  left_over                   8 Query BatchGetItem   due, one for each shard; rows if there are some
    70  put_off                     UpdateItem
    71  past                        GetItem         once an hour for each depot and process
    72  stored_past                 GetItem
    73  save_past                   PutItem
    74  keep_door                   TransactWriteItems
    75  door                        GetItem         one for each secret in force
    76  forget_doors                Query DeleteItem DeleteItem   once for each door
    77  message                     GetItem
    78  save_message with facts     TransactWriteItems
    79  sender_state                GetItem
    80  move_sender                 UpdateItem
    81  reserve                     UpdateItem UpdateItem   the second where it went idle, or is idle no more
    82  is_opted_out                BatchGetItem
    83  set_opt_out                 PutItem
    84  put_contact                 PutItem
    85  contacts                    Query
    86  record_inbound              TransactWriteItems      two PutItem where nobody texted that number
    87  inbound                     GetItem
    88  promises_to                 Query           one for each number key
    89  erase_ledger                Query UpdateItem BatchGetItem DeleteItem DeleteItem UpdateItem UpdateItem
    90  erase_promise               TransactWriteItems
    91  forget                      Query DeleteItem Query DeleteItem Query GetItem DeleteItem DeleteItem
    92  put_talk                    PutItem
    93  talk                        GetItem         one for each key of numbers in force
    94  take                        UpdateItem      two counts of texts
    95  save_message with an id     PutItem PutItem
    96  write_reminders             BatchWriteItem   25 at a time
    97  addressed                   BatchGetItem     promises, and their merchant
    98  assign_senders              UpdateItem
    99  drop_receipt                DeleteItem
   100  rewrite_route               UpdateItem
   101  rewrite_progress            UpdateItem
   102  said                        Query Query GetItem
"""

from chalicelib.adapters.dynamodb.store import DynamoStore
from chalicelib.adapters.dynamodb.table import client_config

__all__ = ["DynamoStore", "client_config"]
