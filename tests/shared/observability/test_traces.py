from shared.observability.traces import (
    configure_tracing,
    continued_from,
    current_trace_id,
    current_traceparent,
    new_trace,
)

SENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_outside_any_span_there_is_nothing_to_carry() -> None:
    assert current_traceparent() is None
    assert current_trace_id() is None


def test_a_trace_goes_on_from_the_event_that_carried_it() -> None:
    configure_tracing("tests")
    with new_trace("request"):
        carried, trace_id = current_traceparent(), current_trace_id()
    with continued_from(carried):
        assert current_trace_id() == trace_id
        assert current_traceparent() != carried


def test_an_event_without_a_trace_begins_one() -> None:
    configure_tracing("tests")
    for missing in (None, "", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"):
        with continued_from(missing):
            assert len(current_trace_id() or "") == 32


def test_what_is_open_does_not_leak_into_what_is_continued() -> None:
    configure_tracing("tests")
    with new_trace("batch"), continued_from(SENT):
        assert current_trace_id() == "0af7651916cd43dd8448eb211c80319c"
