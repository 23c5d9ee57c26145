"""Findings: what went wrong in a call, whose side it was, and what to do. Pure: numbers in, words
out.

How a session becomes a story. First each peer for itself, so that only one peer's readings are in
memory at a time; then all together, from the little that was noted of each::

    Observed (one peer's readings, transports, events: report/observed.py)
      │  peer.notice: every rule looks at every stream, transport and event of this peer
      ▼
    Noticed (one peer: findings in the making, and when each received stream was bad)
      │  session.story, over everybody's:
      │    attribution.Court    whose side each was on; loss on the way in gets its true name
      │    told_by_receivers    the uplink of a sender to whom no server said anything
      │    echoes.link          which finding is only another one again
      │    merged               the same trouble on several streams is one
      │    wording, verdict     sentences
      ▼
    Story (findings by time, verdict, counts, the name of the model)

Where to look:

=====================  ===========================================================================
to change …            look in
=====================  ===========================================================================
a number, a sentence   the detector: ``loss``, ``audio``, ``flow``, ``video``, ``transport``,
                       ``devices``, ``presence``; ``catalogue`` gathers them and checks an app's own
                       thresholds (a ``detector.Detector`` is one row of docs/findings.md)
what is measured       the rules: beside their detectors in ``loss``, ``audio``, ``flow``,
                       ``devices``, ``presence``; of ``video`` in ``pictures``; of ``transport`` in
                       ``connecting`` (states that were told) and ``carrying`` (what went over it);
                       ``one_way`` is the one rule that needs two peers
when it is raised      ``hysteresis`` (a row of numbers → the runs in which they were bad) and
                       ``streams`` (a rule over a stream; windows; evidence)
when it is silent      ``spells``: muted, hidden, cut off
whose side it was      ``attribution``, over ``legs``: who received whom well, and when
what follows of what   ``echoes``
=====================  ===========================================================================

A new rule: write its Detector, a measure (``streams.Measure``: one value an interval, None where it
is not known) and a StreamRule; say in ``attribution`` whose side it is and in ``echoes`` what may
cause it; add its row to docs/findings.md and a call to the labelled set. Most streams are fine: a
rule first asks the stream's ``extremes``, noted in one pass for all rules, whether to look at all.
"""
