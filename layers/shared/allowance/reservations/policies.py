"""The policy of an organization for calls without a price, as one caller may see and change it."""

from typing import override

from allowance.access.store import OrganizationPathStore
from allowance.contract.preconditions import Precondition
from allowance.database.queries import call
from allowance.errors import ChangedMeanwhile, OrganizationNotFound
from allowance.rbac.policy import Action, Object, group_object
from allowance.reservations.policy_models import (
    DefaultPolicy,
    LockedPolicy,
    OrganizationPolicy,
    PolicyTerms,
)
from allowance.reservations.settings import unpriced_default


class PolicyStore(OrganizationPathStore):
    """The policy of the organization in the path. Its object is the Everyone group."""

    @override
    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized for a caller who may not read Everyone."""
        self._gate.check(Action.READ, self._everyone())

    def get_policy(self) -> OrganizationPolicy | DefaultPolicy:
        """Return the policy, or the default of the deployment, which says that it is.

        Raise OrganizationNotFound, NotAuthorized, BadSetting.
        """
        db = self._gate.open(Action.READ, self._everyone())
        organization_id, default = self._organization().id, unpriced_default()
        found = db.first(OrganizationPolicy, "get_ai_policy", organization_id=organization_id)
        return found or DefaultPolicy(organization_id=organization_id, **dict(default))

    def set_policy(self, terms: PolicyTerms, precondition: Precondition) -> OrganizationPolicy:
        """Create or replace the policy, with its audit entry. It applies to the next decision.

        Raise OrganizationNotFound, NotAuthorized, ChangedMeanwhile.
        """
        db = self._gate.open(Action.UPDATE, self._everyone())
        organization_id = self._organization().id
        locked, rows = db.in_one_trip(
            call(LockedPolicy, "lock_ai_policy", organization_id=organization_id),
            call(
                OrganizationPolicy,
                "set_ai_policy",
                organization_id=organization_id,
                unpriced=terms.unpriced,
                assumed_input_price=terms.assumed_input_price,
                assumed_output_price=terms.assumed_output_price,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not locked:
            raise OrganizationNotFound
        if not rows:
            raise ChangedMeanwhile
        return rows[0]

    def _everyone(self) -> Object:
        """Return the Everyone group, whose id is the organization's. Raise OrganizationNotFound."""
        organization_id = self._organization().id
        return group_object(organization_id, organization_id)
