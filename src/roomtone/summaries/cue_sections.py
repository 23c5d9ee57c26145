"""What the special sections of each kind of meeting listen for. Data, in the manner of cues.py."""

from roomtone.summaries.cues import one_of

_NUMBER_WORD = (
    r"(?:\d[\d.,]*|hundred|thousand|million|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|ten"
    r"|eleven|twelve|fifteen|[a-z]+teen)"
)
WORRY = one_of(
    r"\b(?:risks?|risky|worried|worry|worries|concern(?:s|ed)?|afraid|unfortunately|danger"
    r"|doubt)\b",
    r"\b(?:problem|issue|trouble|difficult|not (?:so |that )?easy|out of order|terrible"
    r"|lost money)\b",
    r"\b(?:delay(?:ed|s)?|too late|behind schedule|won't be (?:ready|done|able)|not before)\b",
    r"\bwe can(?:'t|not) \w+",
    r"\b(?:won't|can't|cannot) (?:allow|work|get|make|do)\b",
)
NEED = one_of(
    r"\b(?:i|we|they|you) (?:really |also |all )?(?:need|require|want|would like|would want"
    r"|'d like)\b",
    r"\bwe'd (?:like|want|need)\b|\bwhat (?:we|i|they) (?:need|want)\b|\bwe're looking for\b",
    r"\b(?:it|that|this) (?:has|needs) to \w+|\bmust\b|\bit's (?:really )?important (?:that|to"
    r"|for)\b",
    r"\b(?:costs us|about one in|at the moment (?:all|we|it|the)|our (?:biggest )?problem"
    r"|disappear)\b",
    r"\bwhich languages\b|\bit would (?:help|be nice)\b|\bthat would help\b",
)
OBJECTION = one_of(
    r"\btoo (?:much|expensive|long|tight|high|complicated|slow|late|big|small|risky)\b",
    r"\b(?:expensive|worried|worry|worries|concern(?:s|ed)?|over budget|risk|afraid|hesita\w+)\b",
    r"\b(?:another|other|competing|cheaper) (?:offer|company|vendor|quote|supplier)\b",
    r"\b(?:in the|our) budget\b|\bwhat if\b|\btied to\b|\bbefore i believe\b|\bhates? \w+"
    r"|\bis tight\b",
    r"\bwe don't (?:need|want|use)\b|\bwhy should i\b|\bi can't (?:touch|justify|sign)\b",
)
MONEY = one_of(
    rf"\b{_NUMBER_WORD} (?:\w+ )?(?:euros?|dollars?|pounds|percent|francs|kroner|zloty)\b"
    rf"|[\u20ac$\u00a3]",
    rf"\b{_NUMBER_WORD} a (?:month|year|week|device|seat|user)\b",
    r"\b(?:free of charge|discount|rental|licen[cs]e fee|per (?:month|year|user|device|seat))\b",
    rf"\b(?:price|offer|budget|cost|deposit|salary)\b.*\b{_NUMBER_WORD}\b",
    r"\b(?:after|within) \w+ months\b|\bfor (?:two|three|five|\d+) years\b",
)
NEXT_STEP = one_of(
    r"\bnext steps?\b|\bnext (?:call|meeting|session) (?:is|on|will)\b|\bround two\b"
    r"|\bsecond round\b",
    r"\blet's (?:do|book|set up|schedule|arrange|have) (?:\w+ ){0,3}(?:call|meeting|demo"
    r"|\w+(?:th|st|nd|rd)|ninth)\b",
    r"\b(?:to|let me|just) recap\b|\bthen we (?:talk|meet|speak|sign|start)\b",
    r"\bif you (?:decide|sign|order) by\b|\bby the end of (?:the )?\w+\b.*\bor\b",
    r"\bwe (?:send|ship|deliver|start) \w+.*\b(?:tomorrow|next week|on|by)\b|\bwe both sign\b",
)
PRAISE = one_of(
    r"\b(?:happy|pleased|delighted|satisfied|love|loved|impressed|brilliant|excellent)\b",
    r"\bwork(?:s|ed|ing)? (?:really |very |so )?(?:well|great|fine|perfectly|nicely)\b",
    r"\b(?:great|good|fantastic|nice) (?:job|work|progress|results?|feedback)\b",
    r"\b(?:improved|faster|easier|saves? us|much better|helps? (?:us|a lot)|thank(?:s"
    r"| you) for)\b",
)
COMPLAINT = one_of(
    r"\b(?:slow|broken|bugs?|crash(?:es|ed)?|frustrat\w+|complain\w*|annoy\w+|disappoint\w+)\b",
    r"\b(?:still (?:not|waiting|missing|don't|haven't|doesn't)|hasn't arrived|too (?:late|long"
    r"|slow|many))\b",
    r"\b(?:confus\w+|unhappy|worse|fails?|failed|doesn't work|didn't work|never got|went wrong)\b",
    r"\b(?:worried|concern(?:s|ed)?|problems?|issues?|trouble|escalat\w+)\b",
)
WISH = one_of(
    r"\b(?:would|'d) (?:really |also )?(?:like|love|prefer|be (?:nice|great|good|helpful))\b",
    r"\bi wish\b",
    r"\bis there (?:a way|any way)\b|\bwe (?:really )?need\b|\bit would help\b|\bfeature\b",
    r"\b(?:can|could) (?:you|we|it|the \w+)\b",
)
FEEDBACK = one_of(
    r"\b(?:feedback|well done|proud of|i(?:'ve)? noticed|(?:good|great|nice) (?:job|work))\b",
    r"\byou(?:'ve| have)? (?:handled|did|done|were|could have|should have|managed|led|improved)\b",
    r"\b(?:could (?:have|be) (?:been )?better|room for improvement|next time (?:you|i)"
    r"|i'd like you to)\b",
)
WELLBEING = one_of(
    r"\b(?:tired|stress\w*|overwhelm\w*|exhaust\w+|burn(?:ed|t)? ?out|workload|overtime"
    r"|balance)\b",
    r"\b(?:too much (?:on|work)|long hours|holiday|vacation|time off|weekends?|sick|sleep\w*"
    r"|evenings)\b",
    r"\b(?:enjoy\w*|happy|unhappy|frustrat\w+|motivat\w+|bored|struggl\w+|feel(?:ing)?)\b",
)
GROWTH = one_of(
    r"\b(?:goals?|career|promot\w+|grow(?:th|ing)?|learn(?:ed|ing)?|course|training|mentor\w*"
    r"|skills?)\b",
    r"\b(?:next (?:role|level|step)|lead(?:ing)? (?:a|the)|conference|certificat\w+|salary"
    r"|raise)\b",
    r"\bi(?:'d| would) (?:like|love|want) to (?:become|move|work|learn|lead|try|build|do more)\b",
)
OUTLINE = one_of(
    r"\btoday (?:we|i)(?:'ll| will|'re going to| want to| are going to)? ?(?:talk|look|learn"
    r"|discuss|cover)?\b",
    r"\bthe (?:first|second|third|fourth|fifth|next|last|oldest|new|other|main) (?:part|reason"
    r"|point|topic"
    r"|step|idea|question|law|example)\b",
    r"\b(?:this is the (?:first|second|third|last) part|to sum up|in summary"
    r"|the most famous example)\b",
    r"\b(?:what (?:really )?(?:makes|happens|matters)|so what|the (?:key|important) (?:point"
    r"|thing|idea))\b",
    r"\bi want to do (?:two|three|four|\w+) things\b|\bplease remember\b"
    r"|\bthat's (?:also )?(?:the reason )?why\b",
    r"\blet's (?:start with|move on to|turn to)\b|\bdecides (?:how|what|whether)\b",
)
DEFINITION = one_of(
    r"\b(?:is|are|was|it's|that's) (?:also )?(?:called|defined as|known as|what we call"
    r"|the name for)\b",
    r"\bwe call (?:this|that|it|these|them)\b|\brefers to\b|\bthe definition of\b"
    r"|\bwhich means that\b",
    r"^an? [\w-]+(?: [\w-]+)? is (?:an?|the|when|what)\b|\bby \w+ (?:we|i) mean\b|\bstands for\b",
)
FINDING = one_of(
    r"\b(?:bugs?|race(?: condition)?|leaks?|leaking|null|crash(?:es)?|exceptions?|edge cases?"
    r"|deadlock)\b",
    r"\b(?:never|not|isn't|aren't|doesn't|don't|wasn't) (?:\w+ )?(?:clos\w+|fre\w+|check\w*"
    r"|handl\w+|call\w*"
    r"|valid\w+|test\w*|escap\w+|cover\w*|thread.?safe|used|releas\w+|awaited)\b",
    r"\b(?:missing|duplicat\w+|hard.?coded|unused|dead code|off.by.one|flaky|n ?\+ ?1|injection"
    r"|unhandled)\b",
    r"\b(?:slow|quadratic|confus\w+|fails? (?:if|when|on|for)|breaks? (?:if|when)|security"
    r"|vulnerab\w+)\b",
    r"\b(?:problem|issue|wrong|typo|swallow\w*|blocks the)\b",
)
CHANGE = one_of(
    r"\b(?:can|could|would) you (?:please |also |maybe |just )?(?:add|rename|move|extract|split"
    r"|remove|change"
    r"|use|put|make|pull|write|replace|drop|document|squash|rebase|fix|turn|revert|cover"
    r"|inline)\b",
    r"\bplease (?:add|rename|move|extract|split|remove|change|use|put|make|pull|write|replace"
    r"|drop|fix)\b",
    r"\bi(?:'d| would) (?:rather|prefer|move|split|extract|rename|add|use|put|make|drop|remove"
    r"|pull|like)\b",
    r"\b(?:should|needs to|has to|ought to|must) (?:be|have|use|go|return|check|move|raise|take"
    r"|live|get)\b",
    r"\blet's (?:rename|extract|split|move|add|remove|use|pull|drop)\b|\binstead of\b"
    r"|\bnit(?:pick)?\b",
)
VERDICT = one_of(
    r"\b(?:approv\w+|lgtm|looks good(?: to me)?|ship it|good to (?:go|merge)|merge (?:it|this"
    r"|that))\b",
    r"\b(?:request(?:ing)? changes|not ready|another round|block(?:ing)? (?:the|this) merge)\b",
)
OPINION = one_of(
    r"\b(?:impressed|impressive|convinced|convincing|strong(?:er)?|weak(?:er)?|concrete|good fit"
    r"|fits?)\b",
    r"\b(?:concerns?|worried|showstopper|red flag|clearly|better|worse|liked|i'd hire|hesita\w+"
    r"|promising)\b",
    r"\b(?:experience[ds]?|senior|junior|motivat\w+|articulate|vague|honest)\b",
)
ABOUT_SOMEBODY = one_of(
    r"\b(?:she|he|they|her|him|them|the candidate)\b", r"\bon the \w+ side\b", r"\bshowstopper\b"
)
DONE = one_of(
    r"\b(?:yesterday|last night|on friday|last week) (?:i|was|we|mostly)\b|\byesterday\b",
    r"\bi(?:'ve| have| also| just| already| finally)? ?(?:finished|fixed|merged|shipped|closed"
    r"|completed|released"
    r"|deployed|reviewed|wrote|tested|implemented|added|removed|cleaned|got|pushed|prepared"
    r"|updated|sent"
    r"|found|worked on|looked (?:at|into)|moved|set up|was on|was in|started|spent|met"
    r"|talked to)\b",
    r"\b(?:it's|that's) (?:merged|done|live|deployed|finished|released|out)\b|\bit went out\b",
)
DOING = one_of(
    r"\b(?:today|now|this morning|this afternoon) (?:i|i'm|i'll|we|is)\b|\btoday\b",
    r"\bi(?:'m| am) (?:still |currently |now )?(?:working on|picking up|continuing|on the"
    r"|starting|finishing"
    r"|reviewing|doing|going to|looking (?:at|into)|in interviews)\b",
    r"\bi(?:'ll| will| wanted to| want to| plan to) (?:\w+ )?(?:start|continue|finish|work|look"
    r"|pick|write|fix"
    r"|review|test|run|do|try|keep)\b",
)
BLOCKED = one_of(
    r"\b(?:blocked|stuck|blocker is|blocking me|held up|waiting (?:for|on)|depends? on"
    r"|can't (?:start|continue"
    r"|finish|test|merge|deploy|work)|need(?:ing)? access|no access|(?:don't|didn't"
    r"|doesn't) have access"
    r"|haven't heard)\b",
)
NOT_BLOCKED = one_of(
    r"\b(?:no|not|nothing|without|any) (?:real |any )?(?:block\w*|stuck|impediments?)\b",
    r"\bblock(?:ers?|ing)\b.{0,12}\b(?:no|none|nothing)\b",
    r"\bunblocked\b",
)
