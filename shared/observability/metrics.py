"""Every metric of Signpost, in one list. Labels are our own names (services, groups, types), never personal data."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()
_QUICK = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

HTTP_REQUESTS = Counter(
    "signpost_http_requests", "Requests answered", ("service", "method", "route", "status"), registry=REGISTRY
)
HTTP_SECONDS = Histogram(
    "signpost_http_seconds", "Seconds to answer", ("service", "method", "route"), buckets=_QUICK, registry=REGISTRY
)
EVENTS_PUBLISHED = Counter(
    "signpost_events_published", "Events the relay published", ("service", "topic"), registry=REGISTRY
)
OUTBOX_WAITING = Gauge(
    "signpost_outbox_waiting", "Events committed and not yet published", ("service",), registry=REGISTRY
)
EVENTS_HANDLED = Counter(
    "signpost_events_handled", "Events whose effect was committed", ("group", "type"), registry=REGISTRY
)
EVENTS_REPEATED = Counter(
    "signpost_events_repeated", "Events received again and ignored", ("group",), registry=REGISTRY
)
EVENTS_SKIPPED = Counter("signpost_events_skipped", "Events without a handler here", ("group",), registry=REGISTRY)
EVENTS_DEFERRED = Counter("signpost_events_parked", "Events that wait for a predecessor", ("group",), registry=REGISTRY)
DEAD_LETTERS = Counter("signpost_dead_letters", "Dead letters recorded", ("group", "reason"), registry=REGISTRY)
BATCH_SECONDS = Histogram(
    "signpost_batch_seconds", "Seconds a batch took", ("group",), buckets=_QUICK, registry=REGISTRY
)
CONSUMER_LAG = Gauge("signpost_consumer_lag", "Events not yet handled", ("group",), registry=REGISTRY)
INBOUND_EVENTS = Counter(
    "signpost_inbound_events",
    "Events of other systems, by outcome",
    ("source", "outcome"),
    registry=REGISTRY,
)
REPORTS_ACCEPTED = Counter("signpost_reports_accepted", "Reports accepted", ("report_type",), registry=REGISTRY)
LEDGER_REPORTS = Gauge("signpost_ledger_reports", "Reports by their state in the ledger", ("state",), registry=REGISTRY)
CASES_OPENED = Counter("signpost_cases_opened", "Cases opened", ("team", "priority"), registry=REGISTRY)
DEADLINES_MISSED = Counter("signpost_deadlines_missed", "Deadlines missed", ("team", "kind"), registry=REGISTRY)
OVERDUE_STEPS = Gauge(
    "signpost_overdue_steps",
    "Steps that time demanded and that did not happen, up to 1,000",
    ("service", "step"),
    registry=REGISTRY,
)
OUTCOME_REVIEWS = Counter(
    "signpost_outcome_reviews", "Outcomes to be looked at again, and what came of it", ("event",), registry=REGISTRY
)
MAIL_ATTEMPTS = Counter("signpost_mail_attempts", "Attempts to send", ("channel", "outcome"), registry=REGISTRY)
EVIDENCE_DAMAGED = Counter(
    "signpost_evidence_damaged", "Times that stored evidence was not what was kept", registry=REGISTRY
)
EVIDENCE_ORPHANS = Counter(
    "signpost_evidence_orphans", "Stored objects deleted because nothing refers to them", registry=REGISTRY
)
ALERT_SECONDS = Histogram(
    "signpost_alert_seconds", "Seconds from a report to its alert being sent", buckets=_SLOW, registry=REGISTRY
)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
