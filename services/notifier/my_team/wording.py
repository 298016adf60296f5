"""What alerts, actions and findings are called on a manager's pages."""

from collections.abc import Mapping

from shared.events.vocabulary import AlertPurpose, ManagerAction, MisuseBehaviour

ALERT: Mapping[AlertPurpose, str] = {
    AlertPurpose.ABUSE_REPORTED: "Social media abuse",
    AlertPurpose.MISUSE_REPORTED: "Misuse of social media",
    AlertPurpose.MISUSE_ASSIGNED: "A misuse case to work",
}
ACTION: Mapping[ManagerAction, str] = {
    ManagerAction.NO_BREACH: "No breach of the policy",
    ManagerAction.ADVICE_GIVEN: "I gave advice",
    ManagerAction.INFORMAL_ACTION: "I took informal action",
    ManagerAction.DISCIPLINARY_ROUTE: "It goes the disciplinary route",
    ManagerAction.INSUFFICIENT_INFORMATION: "There is not enough information",
    ManagerAction.OUT_OF_SCOPE: "The policy does not cover it",
}
FINDING: Mapping[MisuseBehaviour, str] = {
    MisuseBehaviour.SPEAKS_FOR_DEPARTMENT: "Spoke for the department without being allowed to",
    MisuseBehaviour.MIXED_ACCOUNT: "Mixed work and private content in one account",
    MisuseBehaviour.ASSOCIATION: "Connected private views with the department or the government",
    MisuseBehaviour.DISCLOSURE: "Showed information of the department",
    MisuseBehaviour.HARASSMENT: "Harassed or abused somebody",
    MisuseBehaviour.UNSANCTIONED_ACCOUNT: "Used an account for the department that was not approved",
    MisuseBehaviour.UNTRAINED_OPERATOR: "Operated an account without training",
    MisuseBehaviour.UNAPPROVED_DEVICE: "Used a device that is not approved",
    MisuseBehaviour.FAILURE_TO_REPORT: "Did not report an incident",
    MisuseBehaviour.OTHER: "Something else",
}
