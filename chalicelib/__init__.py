"""Slotkeeper: delivery slots sold from live routes, and kept.

    app -> handlers -> bootstrap -> adapters | settings -> motion | kpis
        -> promises | dispatch | notifications | merchants | webhooks
        -> fleet -> routing -> events | errors | retention -> units

`routing` is a pure vehicle-routing library; `fleet` describes depots, vans and their calendar; each feature
stands on the two and never imports another feature: it publishes a fact in `events`, the other reacts. Above
the promises stand `motion`, which moves them on, and `kpis`, which counts how they were kept.
`adapters` hold one file per outside thing, `handlers` are the doors, `bootstrap` is where they meet. Arrows
point down only, and `lint-imports` checks it.
"""
