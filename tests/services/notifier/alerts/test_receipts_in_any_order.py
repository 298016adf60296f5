"""Receipts come late, twice and out of order; an alert ends in the same state."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.notifier.alerts.domain import AlertState


class Receipts(RuleBasedStateMachine):
    """Two observers get the same receipts: one in order, one late, shuffled and some twice."""

    @initialize()
    def made(self) -> None:
        self.heard: list[AlertState] = []
        self.in_order = AlertState.CREATED
        self.late = AlertState.CREATED
        self.waiting: list[AlertState] = []

    @rule(receipt=st.sampled_from(list(AlertState)))
    def happens(self, receipt: AlertState) -> None:
        self.heard.append(receipt)
        self.in_order = self.in_order.after(receipt)
        self.waiting.append(receipt)

    @rule(data=st.data())
    def arrives_late(self, data: st.DataObject) -> None:
        if self.waiting:
            index = data.draw(st.integers(0, len(self.waiting) - 1))
            self.late = self.late.after(self.waiting.pop(index))

    @rule(data=st.data())
    def arrives_again(self, data: st.DataObject) -> None:
        arrived = [receipt for receipt in self.heard if receipt not in self.waiting]
        if arrived:
            before = self.late
            self.late = self.late.after(data.draw(st.sampled_from(arrived)))
            assert self.late is before

    @invariant()
    def once_all_have_arrived_both_agree(self) -> None:
        late = self.late
        for receipt in self.waiting:
            late = late.after(receipt)
        assert late is self.in_order

    @invariant()
    def an_answer_is_never_forgotten(self) -> None:
        if AlertState.ACKNOWLEDGED in self.heard:
            assert self.in_order is AlertState.ACKNOWLEDGED

    @invariant()
    def what_was_taken_did_not_fail(self) -> None:
        if {AlertState.SENT, AlertState.DELIVERED}.intersection(self.heard):
            assert self.in_order not in {AlertState.CREATED, AlertState.SENDING, AlertState.FAILED}

    @invariant()
    def what_arrived_is_never_undelivered(self) -> None:
        if {AlertState.DELIVERED, AlertState.ACKNOWLEDGED}.intersection(self.heard):
            assert self.in_order in {AlertState.DELIVERED, AlertState.ACKNOWLEDGED}

    @invariant()
    def what_failed_is_not_sending_again(self) -> None:
        if AlertState.FAILED in self.heard:
            assert self.in_order not in {AlertState.CREATED, AlertState.SENDING}


TestReceipts = Receipts.TestCase
