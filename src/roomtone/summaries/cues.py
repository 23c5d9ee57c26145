"""The turns of phrase of spoken English that show what a sentence does. Data, not logic.

Everything is matched against :attr:`Sentence.plain`: lower case, straight apostrophes. The patterns
aim at precision: a summary that misses a promise is poor, one that invents a promise is wrong.
"""

import re

from roomtone.summaries.stop_words import listed


def one_of(*parts: str) -> re.Pattern[str]:
    """A pattern that matches where any of ``parts`` does."""
    return re.compile("|".join(f"(?:{part})" for part in parts))


DAY = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|tonight|today|noon|lunch|midnight"
    r"|(?:january|february|march|april|june|july|august|september|october|november|december)"
)
DEADLINE = one_of(
    rf"\b(?:by|before|until|on|this|next|late|early) (?:the )?(?:end of )?(?:the |this "
    rf"|next )?(?:{DAY})",
    r"\b(?:by|before|at|until) the (?:end|start|beginning|middle) of",
    r"\b(?:this|next) (?:week|month|quarter|afternoon|morning|evening|sprint)\b",
    r"\b(?:tomorrow|tonight|today|asap|e ?o ?d|straight away|right away)\b",
    r"\b(?:right )?after (?:this|the|lunch|our) ?(?:call|meeting|stand-?up|lunch)?\b",
    r"\b(?:by|before) (?:then|the (?:\w+)|\d+)\b",
    r"\bin (?:an hour|a minute|a few days|two days|a week|two weeks|the next)\b",
    r"\b(?:over|at|before) the weekend\b",
    r"\bfirst thing\b",
)
SMALL_TALK = one_of(
    r"\bhear (?:me|us|you)\b|\b(?:hang on|hold on|just a second|let me look)\b",
    r"\b(?:on mute|muted|headphones|microphone|share (?:my|your) screen|can you see my)\b",
    r"^(?:good |hello|hi\b|hey\b|morning|bye|see you|welcome|lovely|wonderful|super\b|brilliant)",
    r"\bnice to (?:meet|see)|good to (?:meet|see)|how are you|how was (?:the|your)\b",
    r"^(?:thank|thanks)\b",
    r"\bhave a (?:good|nice|great|lovely)\b",
    r"\b(?:are you there|one more minute|sorry i'm late|i'm here|can i ask|good luck)\b",
    r"\bthat's (?:it|all|everything) from (?:me|us)\b|\bthat's all\b|^(?:sure|right"
    r"|exactly)\b.{0,12}$",
    r"\b(?:let me think|let's get started|let's start|we can start|go ahead|go first"
    r"|on my phone)\b",
    r"\b(?:i appreciate that|fair enough|that's fair|good question|that sounds good)\b",
    r"\b(?:give|wait) .*(?:one more|another|a) (?:minute|moment|second)\b",
    r"\btell us (?:a (?:little|bit) )?about\b",
    r"^i (?:like|love|appreciate) (?:that|it|this)\b|^that's (?:a )?(?:good|great|nice"
    r"|interesting|true)\b",
)
RECAP = one_of(
    r"\b(?:to sum (?:it |this )?up|in summary|to summari[sz]e|recap|to conclude|in short"
    r"|bottom line)\b",
)
ALARM = one_of(
    r"\b(?:most|really|very|quite) (?:urgent|important|serious)\b",
    r"\bthat's (?:a )?(?:huge|big|serious|real) (?:problem|issue|risk)\b",
)
"""What people say when somebody has just told the thing that matters."""
EMPHASIS = one_of(
    r"\b(?:urgent|important|crucial|critical|biggest|largest|main|key|priority|most famous"
    r"|the thing is)\b",
    r"\b(?:because|so that|which means|the reason|in total|the plan is|the goal|overall"
    r"|the idea is)\b",
)
"""A speaker's own marks of what matters."""
FIGURES = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|twenty"
    r"|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|percent|half|twice)\b"
)
DANGLING = re.compile(
    r"^(?:but )?(?:it|it's|that|that's|this|they|they're|these|those|he|he's|she|she's|him|them"
    r"|which|because|then|or|mostly|also|there|with|without|not|no|yes|exactly|the first is)\b"
)
"""Starts that need the sentence before them."""
POINTS_BACK = re.compile(
    r"\b(?:do|put|take|handle|try|manage|fix|send|check|bring|own|measure|make|have|want)"
    r" (?:that|it|this|them|those|both|one|so)\b(?! \w+ing\b)"
    r"|\b(?:it|them|that|those)[.!?]*$"
)
"""Promises whose object was named before: "I'll do that"."""

# --- promises and requests ----------------------------------------------------------------------

_ADVERBS = (
    r"(?:(?:also|just|then|probably|definitely|quickly|certainly|gladly|please|maybe|try to"
    r"|try and"
    r"|go and|make sure to|be able to|happily|personally|already) )*"
)
WORK = listed(
    """add adjust arrange ask assign book bring build call cancel change chase check circulate
    clarify clean close collect come compare complete confirm contact coordinate copy correct
    count create cut debug delete deliver deploy design disable discuss document double-check
    draft email enable escalate extend extract fetch figure file fill find finish fix follow
    forward get give handle hand have implement inform install integrate introduce investigate
    invite keep let list look mail make measure meet merge message migrate move negotiate note
    notify open order organise organize pay phone pick ping plan post prepare present print
    provide publish pull push put raise reach read rebase record refactor reject remind remove
    rename reply report request research reserve resend reset review revise rewrite ring run
    schedule send set share ship show sign sit sketch solve sort speak split spend start submit
    summarise summarize swap switch take talk tell test text tidy track train transfer translate
    try turn update upgrade upload verify walk work wrap write"""
)
"""Verbs of things that one can be asked about next week."""
PROMISE = re.compile(
    rf"\b(?:i'll|i will|i'm going to|i am going to|i'm gonna) {_ADVERBS}(?P<verb>[a-z'-]+)"
)
OFFER = re.compile(
    r"\bi (?:can|could) (?:also |just |then |quickly )?(?P<verb>[a-z'-]+)"
    r"(?= (?:you|that|it|this|one|both|down|the|a|them|by|to)\b)"
)
JOINT = re.compile(
    r"\bwe(?:'ll| will) (?:then |also )?(?:let you know|send|get back|come back|follow up|find out"
    r"|provide|deliver|draft|prepare|ship|check)\b"
)
LET_ME = re.compile(
    r"\blet me (?:check|find out|get back|come back to|follow up|look into|ask)\b(?! about)"
)
NO_PROMISE = one_of(
    r"\bi'll (?:be honest|say|admit|have to|let you (?:go|speak)|never|not|see|give you|show you"
    r"|tell you (?:what|how|why|that|a|about)|start (?:with|by|off)|come to|get to|talk about"
    r"|try to (?:be|keep)|read (?:it|this) out|hand over)\b",
    r"\b(?:said|told|thought|promised|asked|if|when|wish)\b.{0,30}\b(?:i'll|i will"
    r"|i'm going to)\b",
    r"\bwe'll (?:ask you|get to|see|talk|start|come to|let you go)\b",
    r"\bi(?:'ll| will) (?:put|send|share) (?:the|my|a) (?:link|screen) (?:in the chat|now)\b",
    r"\bi (?:can|could) (?:see|hear|imagine|tell|say|understand|promise|live|ask you)\b",
    r"\b(?:can't|won't|couldn't) \w+",
)
REQUEST = re.compile(
    r"\b(?:can|could|will|would) (?P<who>you|somebody|someone|anybody|anyone) (?:all |two |both )?"
    rf"{_ADVERBS}(?P<verb>[a-z'-]+)"
)
PLEASE = re.compile(rf"(?:^|[,.] |\band |\bthen |\bso )please {_ADVERBS}(?P<verb>[a-z'-]+)")
TO_ALL = re.compile(rf"\byou(?:'ll)? (?:all |both )?(?:need|have) to {_ADVERBS}(?P<verb>[a-z'-]+)")
SOMEBODY = re.compile(
    r"\b(?:somebody|someone) (?:needs|has|ought|should|must)(?: to)? (?P<verb>[a-z'-]+)"
    r"|\baction(?: item| point)?: ?(?P<task>[a-z'-]+)"
)
NO_REQUEST = one_of(
    r"\b(?:hear|see|tell|say|explain|repeat|describe|imagine|remember|believe|elaborate|speak|talk"
    r"|go|start|walk|guess|think|feel|take us|take me|run us|come in|share your|give (?:us|me|an)"
    r"|keep going|live)\b",
)
"""Objects of "can you" that are answered on the spot."""
DO_WHAT = re.compile(r"\bdo (?:the|a|an|it|that|this|your|some|\w+ing)\b")
"""Not "please do", which answers somebody."""
ASKS_WHAT = re.compile(r"^(?:but |and )?(?:what|how|why|where|when|which|who|if)\b")
ACCEPTS = re.compile(
    r"^(?:yes|yeah|yep|yup|sure|of course|no problem|will do|on it|okay|ok|absolutely|happy to"
    r"|definitely|i can|i could|i'll|i will|i've done that before|done|can do|perfect|great"
    r"|gladly)\b"
)
DECLINES = re.compile(r"^(?:no\b|i can't|i don't|not\b|i'd rather|sorry|um no)")
OWN_OFFER = re.compile(r"\b(?:i'll|i will|i can|i could|you'll have)\b")

# --- decisions ----------------------------------------------------------------------------------

DECIDED = one_of(
    r"\b(?:we|we've|we have|i've|i have) (?:all )?(?:now )?(?:decided|agreed|settled|chosen"
    r"|approved)\b",
    r"\bthat's (?:decided|settled|agreed|approved|the decision|a deal)\b",
    r"\b(?:the|our) decision (?:is|was)\b|\bit's decided\b|\bdecision:",
    r"\bthen we (?:pay|do|go|take|keep|use|leave|move|start|cancel|postpone|ship|buy|drop|stay"
    r"|wait)\b",
    r"\bwe(?:'ll| will|'re going to| are going to) (?:go (?:with|for|ahead)|stick with|stay with"
    r"|keep"
    r"|drop|postpone|cancel|move|hire|launch|release|ship|replace|switch to|stop)\b",
    r"\bwe're (?:not )?(?:going (?:with|for|ahead)|keeping|dropping|cancelling|postponing)\b",
    r"\bwe won't \w+",
    r"\blet's (?:go (?:with|for|ahead)|agree|call it|say we)\b",
    r"\b(?:approved|lgtm|ship it|i approve|i'll approve|good to (?:go|merge))\b",
)
LETS = re.compile(r"\blet's (?:not |just |only |all |then |also )*(?P<verb>[a-z'-]+)")
NO_DECISION_VERBS = listed(
    """see start move talk look begin get go say hear discuss come jump be wait give continue recap
    think have turn suppose assume imagine face pretend hope take find focus dive"""
)
PROPOSAL = one_of(
    r"\b(?:i think|i'd say|maybe|so|i'd suggest|probably) we (?:should|could|do|use|keep|go"
    r"|invite)\b",
    r"\b(?:i'd say|i suggest|i propose|my proposal is|what if|how about|shall we"
    r"|do we all agree)\b",
    r"\bwe should (?:just |probably |really )?(?!be\b|have\b|know\b|see\b)\w+",
    r"\b(?:i say|i vote) \w+",
)
AGREES = re.compile(
    r"^(?:yes|yeah|yep|agreed|i agree|sounds good|fine|good|deal|works for me|definitely"
    r"|absolutely"
    r"|exactly|i like|same|\+1|perfect|great|makes sense|happy with|let's do|i could live with"
    r"|cool)\b"
)
HYPOTHETICAL = re.compile(
    r"^(?:if|when|what|how|why|who|where|unless)\b|\bif (?:we|you|they|it|i)\b"
    r"|\bwould(?:n't)? have\b"
)

# --- open ends ----------------------------------------------------------------------------------

NO_ANSWER = one_of(
    r"\b(?:don't|do not|didn't) know\b",
    r"\b(?:not|isn't|wasn't) (?:really |quite |entirely |completely )?(?:sure|clear|decided)\b",
    r"\b(?:no idea|unclear|nobody knows|nobody has (?:answered|said)|to be (?:decided"
    r"|confirmed))\b",
    r"\b(?:i|we)(?:'d|'ll)? (?:need|have) to (?:ask|check|look|find out|count|think|see|clarify"
    r"|talk)\b",
    r"\b(?:haven't|hasn't) (?:decided|answered|heard|figured)\b",
    r"\bi'll (?:find out|check|ask|get back|look into|tell you (?:next|tomorrow|later))\b",
    r"\bi don't have (?:an?|a better) (?:good |better )?answer\b|\bopen question\b|\bwe'll see\b",
    r"\bi don't think so\b.*\b(?:look|check|ask)\b",
)
STILL_OPEN = one_of(
    r"\bopen question\b|\b(?:still|yet) (?:to be )?(?:open|unclear|undecided)\b|\bunclear\b",
    r"\b(?:we|i) (?:still )?(?:need|have) to (?:find|figure|work) out\b",
    r"\b(?:we|i) (?:just |still |really )?don't (?:yet )?know (?:yet|if|whether|how|what|why"
    r"|when|who)\b",
    r"\bwe don't know yet\b|\bnot (?:yet )?(?:clear|sure) (?:if|whether|how|what|who|when)\b",
    r"\bi wonder (?:if|whether|how)\b",
)
IDLE_QUESTION = one_of(
    r"\b(?:right|okay|ok|yes|you know|really|isn't it|don't you|make sense|huh|correct"
    r"|anybody)\?$",
    r"\b(?:hear|see) (?:me|us|you|my screen)\b|\bhow are you\b|\bare you there\b"
    r"|\bsay that again\b",
    r"\bany(?:thing else| other| more)? (?:questions|business|comments|points)\b"
    r"|\banything else\b",
    r"\b(?:do you want to|who wants to|would you like to) (?:go|start)\b|\bcan i ask\b"
    r"|\bwhat's (?:his|her)\b",
    r"\bdo you have (?:any )?questions\b|\bis that (?:all ?right|okay)\b|\bwhat do you think\b",
    r"^(?:sorry|ready|me|and you|what about you|did you see)\b",
)
